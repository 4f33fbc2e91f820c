/// What fills a text up to its length: plain English words in sentences, the same ones in every run.
///
/// A repeated byte would compress to nothing, random bytes not at all. Chosen out of this list, with the frequent words
/// first and more often, text loses by compression about what people's does. ASCII without a character that JSON would
/// escape, so that a text has as many bytes on the wire as it has been given.
enum ProseFiller {
    private static let words = """
        the of and to in a is that it was for on are with as at be this have from or had by but not what all were we \
        when your can said there use an each which she do how their if will up other about out many then them these so \
        some her would make like him into time has look two more write go see number no way could people my than first \
        water been call who oil its now find long down day did get come made may part over new sound take only little \
        work know place year live me back give most very after thing our just name good sentence man think say great \
        where help through much before line right too mean old any same tell boy follow came want show also around \
        form three small set put end does another well large must big even such because turn here why ask went read
        """.split(separator: " ").map { Array($0.utf8) }

    /// So many bytes of text; the last one is a full stop.
    static func text(byteCount: Int) -> String {
        guard byteCount > 0 else { return "" }
        var bytes: [UInt8] = []
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        while bytes.count < byteCount {
            let count = 4 + draw(&state, below: 9)
            for place in 0..<count {
                // The lower of two draws: words at the front of the list come most often, as in any language.
                let index = min(draw(&state, below: words.count), draw(&state, below: words.count))
                let start = bytes.count
                bytes += words[index]
                if place == 0 { bytes[start] -= 0x20 }
                if place + 1 < count { bytes += draw(&state, below: 9) == 0 ? ", ".utf8 : " ".utf8 }
            }
            bytes += ". ".utf8
        }
        bytes.removeLast(bytes.count - byteCount)
        bytes[byteCount - 1] = UInt8(ascii: ".")
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A number from 0 to below `bound`, always the same row of them (xorshift, by Marsaglia).
    private static func draw(_ state: inout UInt64, below bound: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state >> 33) % bound
    }
}
