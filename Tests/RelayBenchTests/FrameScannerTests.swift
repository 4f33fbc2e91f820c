import Testing

@testable import RelayBench

@Suite("Frames are found in place")
struct FrameScannerTests {
    /// All frames that are whole below `limit`, and where what is left begins.
    private func scan(_ bytes: [UInt8], upTo limit: Int) -> (frames: [[UInt8]], rest: Int) {
        var frames: [[UInt8]] = []
        var offset = 0
        while case .frame(let opcode, let start, let end) = FrameScanner.next(in: bytes.span, from: offset, to: limit) {
            frames.append([opcode] + bytes[start..<end])
            offset = end
        }
        return (frames, offset)
    }

    private static let payloads = [0, 1, 125, 126, 127, 300, 65_535, 65_536].map { [UInt8](repeating: 0x78, count: $0) }

    @Test("Frames of every form of length are read as they were written")
    func forms() {
        var bytes: [UInt8] = []
        for payload in Self.payloads { FrameScanner.append(payload, isMasked: false, to: &bytes) }
        let scanned = scan(bytes, upTo: bytes.count)
        #expect(scanned.frames == Self.payloads.map { [FrameScanner.text] + $0 })
        #expect(scanned.rest == bytes.count)
    }

    @Test("Cut at every byte, nothing is read twice or missed, and what is asked for is never more than there is")
    func cuts() {
        var bytes: [UInt8] = []
        for payload in Self.payloads.prefix(6) { FrameScanner.append(payload, isMasked: false, to: &bytes) }
        let whole = scan(bytes, upTo: bytes.count).frames
        for cut in 0...bytes.count {
            let first = scan(bytes, upTo: cut)
            if first.rest < bytes.count {
                let next = FrameScanner.next(in: bytes.span, from: first.rest, to: cut)
                guard case .incomplete(let wanted) = next else {
                    Issue.record("at \(cut): \(next)")
                    continue
                }
                #expect(wanted > cut - first.rest && wanted <= bytes.count - first.rest, "at \(cut)")
            }
            let second = Array(bytes[first.rest...])
            #expect(first.frames + scan(second, upTo: second.count).frames == whole, "at \(cut)")
        }
    }

    @Test("What no server sends is broken: a mask, a part, a reserved bit, a frame beyond the bound")
    func broken() {
        let bad: [[UInt8]] = [
            [0x81, 0x80, 0, 0, 0, 0], [0x01, 0], [0xC1, 0], [0x81, 127, 0, 0, 0, 0, 0xFF, 0, 0, 0],
            [0x81, 127, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
        ]
        for bytes in bad {
            #expect(FrameScanner.next(in: bytes.span, from: 0, to: bytes.count) == .broken, "\(bytes)")
        }
    }

    @Test("A compressed text is a frame of its own kind where that was agreed, and nothing else has that bit")
    func compressed() {
        let bytes: [UInt8] = [0xC1, 2, 7, 7]
        #expect(
            FrameScanner.next(in: bytes.span, from: 0, to: 4, acceptsCompression: true)
                == .frame(opcode: FrameScanner.compressedText, start: 2, end: 4))
        for first: UInt8 in [0x41, 0xC0, 0xC2, 0xC8, 0xC9, 0xE1, 0xA1, 0x91] {
            let bytes = [first, 0]
            #expect(FrameScanner.next(in: bytes.span, from: 0, to: 2, acceptsCompression: true) == .broken, "\(first)")
        }
        let plain: [UInt8] = [0x81, 0]
        #expect(
            FrameScanner.next(in: plain.span, from: 0, to: 2, acceptsCompression: true)
                == .frame(opcode: FrameScanner.text, start: 2, end: 2))
    }

    @Test("The place of a message is read from its first fields, whole or not at all")
    func places() {
        let envelope =
            #"{"id":"1763691000123-7","seq":42,"ts":1763691000123,"room":"r","type":"message","user":"u","text":"hi"}"#
        let bytes = Array(envelope.utf8)
        let place = EnvelopePlace(in: bytes.span, at: 0, to: bytes.count)
        #expect(place?.milliseconds == 1_763_691_000_123)
        #expect(place?.sequence == 7)
        #expect(place?.seq == 42)
        for other in [#"{"type":"joined","room":"r","epoch":1,"last":null,"seq":0,"here":1}"#, #"{"id":"x"#, "{}", ""] {
            let bytes = Array((other + String(repeating: " ", count: 60)).utf8)
            #expect(EnvelopePlace(in: bytes.span, at: 0, to: bytes.count) == nil, "\(other)")
        }
    }

    @Test("The mark of a post is found where it usually stands, and elsewhere, and not in another text")
    func marks() {
        let text = PostMark.text(run: 0x00ab_cdef, byteCount: 64)
        #expect(text.utf8.count == 64)
        var template: [UInt8] = []
        PostTemplate(Array(#""text":"\#(text)"}"#.utf8)).append(moment: 0x1234_5678_9abc, poster: 0, to: &template)
        let head = Array(#"{"id":"1-0","seq":1,"#.utf8)
        let plain = head + template
        let expected = PostMark(run: 0x00ab_cdef, moment: 0x1234_5678_9abc)
        #expect(PostMark.find(in: plain.span, from: 0, to: plain.count, textBytes: 64) == expected)
        let followed = head + template.dropLast() + Array(#","nonce":"c-1"}"#.utf8)
        #expect(PostMark.find(in: followed.span, from: 0, to: followed.count, textBytes: 64) == expected)
        let other = head + Array(#""text":"~not a mark of ours, but long enough for one~"}"#.utf8)
        #expect(PostMark.find(in: other.span, from: 0, to: other.count, textBytes: 64) == nil)
    }
}
