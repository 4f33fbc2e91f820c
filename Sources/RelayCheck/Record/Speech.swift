public import NIOCore
public import RelayCore
public import RelayWire

/// What the clients of one run say: every send has a text of its own, which can be told again from its key.
///
/// So a message can be held against what was sent wherever it turns up, and nothing has to be remembered for it.
public struct Speech: Sendable {
    /// The run's own mark, so that a second run with the same seed says other things.
    public let mark: String
    private let seed: UInt64

    /// The texts of a run.
    ///
    /// - Parameter mark: letters and digits.
    public init(seed: UInt64, mark: String) {
        self.seed = seed
        self.mark = mark
    }

    /// The user that a client is.
    public static func user(ofClient client: Int) -> String { "check-\(client)" }

    /// The nonce of a send; nil where it has none.
    public func nonce(of key: SendKey) -> String? { key.hasNonce ? "\(mark)-\(key)" : nil }

    /// The text of a send: its key, then words that need escapes and are of any length.
    public func text(of key: SendKey) -> String {
        var random = CheckRandom(seed: seed, stream: UInt64(key.client) << 40 | UInt64(key.number))
        var text = "\(mark) \(key)"
        for _ in 0..<random.below(random.chance(50) ? 120 : 12) {
            text += " " + Self.words[random.below(Self.words.count)]
        }
        return text
    }

    /// Which send of this run has this text; nil where none has.
    public func key(ofText text: String) -> SendKey? {
        let parts = text.utf8.split(separator: UInt8(ascii: " "), maxSplits: 2)
        guard parts.count >= 2, parts[0].elementsEqual(mark.utf8) else { return nil }
        var word = parts[1]
        guard word.popFirst() == UInt8(ascii: "c"),
            let middle = word.firstIndex(where: { $0 == UInt8(ascii: "n") || $0 == UInt8(ascii: "p") }),
            let client = UInt16(String(Substring(word[..<middle]))),
            let number = UInt32(String(Substring(word[word.index(after: middle)...])))
        else { return nil }
        return SendKey(client: Int(client), number: number, hasNonce: word[middle] == UInt8(ascii: "n"))
    }

    /// What is seen where this message stands.
    public func sighting(of received: ReceivedMessage) -> Sighting {
        sighting(of: received.message, envelope: received.envelope)
    }

    /// What is seen where a message stands in these bytes.
    public func sighting(of message: Message, envelope: ByteBuffer) -> Sighting {
        let key = key(ofText: message.draft.text)
        let isFaithful = key.map { key in
            message.draft.text == text(of: key) && message.draft.nonce?.description == nonce(of: key)
                && message.draft.user.description == Self.user(ofClient: Int(key.client))
                && message.draft.type == .message
        }
        return Sighting(
            place: Place(id: message.id, seq: message.seq), key: key, digest: Self.digest(of: envelope),
            isAltered: isFaithful == false)
    }

    /// FNV-1a of 64 bits: two envelopes of one run that differ and agree in it are not to be met with.
    public static func digest(of bytes: ByteBuffer) -> UInt64 {
        bytes.readableBytesView.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
    }

    private static let words = [
        "lorem", "\"quoted\"", "back\\slash", "tab\there", "line\nbreak", "naïve", "日本語", "👩‍👩‍👧", "\u{1}\u{1f}",
        "</script>",
        "{\"id\":\"1-1\"}", "\u{2028}", "\u{7f}", "a", "ﷺ", "e\u{301}",
    ]
}
