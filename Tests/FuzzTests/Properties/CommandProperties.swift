import NIOCore
import RelayCore
import RelayWire

/// What must hold of ops, and of what people type.
enum CommandProperties {
    private static let textBytesMax = 60
    private static let messageBytesMax = 400

    static func check(_ bytes: [UInt8]) throws {
        if let text = String(validating: bytes, as: UTF8.self) { try checkTyped(text) }
        let verdict = read(ByteBuffer(bytes: bytes))
        try require(verdict == read(.amidOthers(bytes)), "another verdict where other bytes stand around it")
        switch verdict {
        case .failure(let rejection): try judge(rejection, of: bytes)
        case .success(let request): try judge(request)
        }
    }

    private static func read(_ bytes: ByteBuffer) -> Result<ClientRequest, RequestRejection> {
        do { return .success(try CommandDecoder(textBytesMax: textBytesMax).decode(bytes)) } catch {
            return .failure(error)
        }
    }

    /// The reason is short whatever came, and `bad_json` means just that.
    private static func judge(_ rejection: RequestRejection, of bytes: [UInt8]) throws {
        let refusal = rejection.refusal
        try require(refusal.message.utf8.count <= messageBytesMax, "a long message: \(refusal.message)")
        try require(refusal.retryAfter == nil, "a form does not get better with time")
        if case .string(let ref)? = rejection.ref {
            try require(ref.utf8.count <= Limits.refBytesMax, "a long ref comes back")
        }
        let isObject: Bool
        do {
            _ = try JSONReader.object(from: ByteBuffer(bytes: bytes), depthMax: Limits.jsonDepthMax)
            isObject = true
        } catch {
            switch error {
            case .notJSON, .invalidUTF8, .notAnObject: isObject = false
            case .tooDeep, .duplicateKey, .loneSurrogate: isObject = true
            }
        }
        try require((refusal.code == .badJSON) == !isObject, "\(refusal.code), and JSON: \(isObject)")
    }

    /// What was read is written as a client would, and read as the same.
    private static func judge(_ request: ClientRequest) throws {
        try require(request.command.cost <= 1 + Limits.pageMessagesMax / 50, "an op that costs too much")
        let written = RequestEncoder.encode(request.command, ref: request.ref)
        let again = read(written)
        try require(again == .success(request), "\(again), not \(request)")
        if case .send(let utterance) = request.command {
            let text = utterance.text.utf8
            try require((1...textBytesMax).contains(text.count) && !text.contains(0), "a text beyond the bounds")
            try checkTyped(utterance.text)
        }
    }

    /// Nothing is invented, and a slash alone makes a command.
    private static func checkTyped(_ text: String) throws {
        let command = SlashCommand(typed: text)
        let isCommand = text.utf8.first == UInt8(ascii: "/") && !text.utf8.starts(with: "//".utf8)
        switch command {
        case .say(let words):
            try require(!isCommand, "a command is said aloud")
            let expected = text.utf8.starts(with: "//".utf8) ? Array(text.utf8.dropFirst()) : Array(text.utf8)
            try require(Array(words.utf8) == expected, "other words than were typed")
        case .action(let words):
            try require(isCommand && !words.isEmpty, "an action of no words")
            try require(text.utf8.count >= words.utf8.count + 4, "longer than what was typed")
        case .unknown(let name):
            try require(isCommand && name.unicodeScalars.count <= text.unicodeScalars.count, "longer than was typed")
            try require(name.count <= Limits.identifierBytesMax, "a name without bounds")
        default: try require(isCommand, "a command without a slash")
        }
    }
}
