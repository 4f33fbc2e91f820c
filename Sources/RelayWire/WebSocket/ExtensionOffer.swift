/// One element of `Sec-WebSocket-Extensions`: an extension and the parameters that it is offered with.
public struct ExtensionOffer: Sendable, Equatable {
    /// One parameter; many have no value.
    public struct Parameter: Sendable, Equatable {
        /// What is said about the extension.
        public let name: String
        /// How much of it; never in quotes.
        public let value: String?

        /// A parameter of these parts.
        public init(_ name: String, _ value: String? = nil) {
            self.name = name
            self.value = value
        }
    }

    /// The extension.
    public let name: String
    /// Its parameters, in order, also those that stand twice.
    public let parameters: [Parameter]

    /// An offer of these parts.
    public init(_ name: String, _ parameters: [Parameter] = []) {
        self.name = name
        self.parameters = parameters
    }

    /// Reads all offers of a request in order, to the grammar of RFC 6455 9.1.
    ///
    /// - Parameter fields: the values of all `Sec-WebSocket-Extensions` fields, in order; they count as one list.
    /// - Returns: the offers, none where there are no fields; nil where a value breaks the grammar: the RFC wants such
    ///   a handshake to fail.
    public static func parse(_ fields: [String]) -> [ExtensionOffer]? {
        var parser = ExtensionListParser(bytes: Array(fields.joined(separator: ",").utf8))
        return parser.list()
    }
}

/// Reads `token *( ";" token [ "=" ( token | quoted-string ) ] )`, divided by commas, with blanks around all of them.
private struct ExtensionListParser {
    let bytes: [UInt8]
    var offset = 0

    private var byte: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    mutating func list() -> [ExtensionOffer]? {
        var offers: [ExtensionOffer] = []
        while true {
            skipBlanks()
            guard let next = byte else { return offers }
            // HTTP lets lists have empty elements.
            if next == UInt8(ascii: ",") {
                offset += 1
                continue
            }
            guard let offer = offer() else { return nil }
            offers.append(offer)
            guard byte == nil || byte == UInt8(ascii: ",") else { return nil }
        }
    }

    private mutating func offer() -> ExtensionOffer? {
        guard let name = token() else { return nil }
        var parameters: [ExtensionOffer.Parameter] = []
        skipBlanks()
        while take(UInt8(ascii: ";")) {
            skipBlanks()
            guard let name = token() else { return nil }
            skipBlanks()
            var value: String?
            if take(UInt8(ascii: "=")) {
                skipBlanks()
                value = byte == UInt8(ascii: "\"") ? quotedToken() : token()
                guard value != nil else { return nil }
                skipBlanks()
            }
            parameters.append(.init(name, value))
        }
        return ExtensionOffer(name, parameters)
    }

    private mutating func token() -> String? {
        let start = offset
        while let byte, Self.isTokenByte(byte) { offset += 1 }
        return offset > start ? String(decoding: bytes[start..<offset], as: UTF8.self) : nil
    }

    /// What stands in quotes has to be a token too, once its escapes are gone.
    private mutating func quotedToken() -> String? {
        var content: [UInt8] = []
        offset += 1
        while let byte {
            offset += 1
            switch byte {
            case UInt8(ascii: "\""): return content.isEmpty ? nil : String(decoding: content, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard let escaped = self.byte, Self.isTokenByte(escaped) else { return nil }
                content.append(escaped)
                offset += 1
            case _ where Self.isTokenByte(byte): content.append(byte)
            default: return nil
            }
        }
        return nil
    }

    private mutating func take(_ wanted: UInt8) -> Bool {
        guard byte == wanted else { return false }
        offset += 1
        return true
    }

    private mutating func skipBlanks() {
        while byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") { offset += 1 }
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
