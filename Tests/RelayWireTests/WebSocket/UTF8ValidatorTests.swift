import RelayWire
import Testing

@Suite("The UTF-8 validator")
struct UTF8ValidatorTests {
    /// Invalid texts and the offset of the first byte that nothing could make valid.
    static let invalid: [([UInt8], Int)] = [
        ([0x80], 0), ([0xBF], 0), ([0xC0, 0x80], 0), ([0xC1, 0xBF], 0), ([0xF5, 0x80], 0), ([0xFF], 0), ([0xFE], 0),
        ([0xC2, 0x41], 1), ([0xC2, 0xC2], 1), ([0xE0, 0x9F, 0xBF], 1), ([0xED, 0xA0, 0x80], 1),
        ([0xED, 0xBF, 0xBF], 1), ([0xE1, 0x80, 0xC0], 2), ([0xF0, 0x8F, 0xBF, 0xBF], 1),
        ([0xF4, 0x90, 0x80, 0x80], 1), ([0xF1, 0x80, 0x80, 0x00], 3), ([0x41, 0x42, 0xE2, 0x82, 0x28], 4),
    ]

    @Test("fails at the first byte that nothing could make valid", arguments: invalid)
    func firstInvalidByte(_ bytes: [UInt8], _ offset: Int) {
        // Behind 0 to 16 ASCII bytes, so that the bad byte stands at every place in a word.
        for lead in 0...16 {
            let text = [UInt8](repeating: 0x61, count: lead) + bytes + [UInt8](repeating: 0x61, count: 9)
            var validator = UTF8Validator()
            #expect(unsafe validator.firstInvalidOffset(in: text.span.bytes) == lead + offset)
        }
    }

    @Test("takes whole characters of every length, and knows when one is cut")
    func boundaries() {
        for text in [
            "", "a", "\u{7F}", "\u{80}", "\u{7FF}", "\u{800}", "\u{D7FF}", "\u{E000}", "\u{FFFF}", "\u{10FFFF}",
        ] {
            let bytes = Array(text.utf8)
            for end in 0...bytes.count {
                var validator = UTF8Validator()
                // The array lives for the whole expression.
                #expect(unsafe validator.firstInvalidOffset(in: Array(bytes[..<end]).span.bytes) == nil)
                #expect(validator.isAtBoundary == (end == 0 || end == bytes.count))
            }
        }
    }

    @Test("agrees with the standard library about every three bytes that begin with an interesting one")
    func threeBytes() {
        let interesting: [UInt8] = [0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF]
        let leads = interesting + [0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF]
        for first in leads {
            for second in leads {
                for third in leads {
                    for fourth in interesting {
                        let bytes = [first, second, third, fourth]
                        // The array outlives the call.
                        let isValid = unsafe UTF8Validator.isValid(bytes.span.bytes)
                        #expect(isValid == (String(validating: bytes, as: UTF8.self) != nil), "\(bytes)")
                    }
                }
            }
        }
    }

    @Test("agrees with the standard library about random texts, whole and damaged, in two pieces")
    func random() {
        var random = WireRandom(seed: 7)
        for round in 0..<3000 {
            var bytes = Array(random.text(countMax: 40).utf8)
            if round % 2 == 0, let index = bytes.indices.randomElement(using: &random) {
                bytes[index] = UInt8.random(in: 0...255, using: &random)
            }
            let cut = Int.random(in: 0...bytes.count, using: &random)
            var validator = UTF8Validator()
            // Each array lives for its whole expression.
            var isValid = unsafe validator.firstInvalidOffset(in: Array(bytes[..<cut]).span.bytes) == nil
            if isValid {
                isValid = unsafe validator.firstInvalidOffset(in: Array(bytes[cut...]).span.bytes) == nil
            }
            isValid = isValid && validator.isAtBoundary
            #expect(isValid == (String(validating: bytes, as: UTF8.self) != nil), "\(bytes) cut at \(cut)")
        }
    }

    @Test("is three bytes large")
    func size() {
        #expect(MemoryLayout<UTF8Validator>.size == 3)
    }
}
