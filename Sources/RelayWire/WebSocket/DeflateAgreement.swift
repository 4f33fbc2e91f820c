/// What a server has agreed to about `permessage-deflate` (RFC 7692), always without context takeover on either side:
/// each message is compressed by itself, so one compression serves all who receive it and no connection keeps a window.
public struct DeflateAgreement: Sendable, Equatable {
    /// The name of the extension.
    public static let extensionName = "permessage-deflate"

    /// The window that the client has for what the server compresses, as a power of two from 8 to 15; nil where it
    /// did not limit it.
    public let serverWindowBits: Int?

    /// Takes the first offer that is one of `permessage-deflate` as RFC 7692 7.1 has it; nil where none is.
    ///
    /// An offer with a parameter that is unknown, stands twice, or has a value that it must not have is declined as if
    /// it had not been made; the next one may do.
    public init?(toFirstOf offers: [ExtensionOffer]) {
        for offer in offers where offer.name == Self.extensionName {
            guard let agreement = Self(to: offer) else { continue }
            self = agreement
            return
        }
        return nil
    }

    /// The value of `Sec-WebSocket-Extensions` in the server's answer.
    public var answer: String {
        let limit = serverWindowBits.map { "; server_max_window_bits=\($0)" } ?? ""
        return "\(Self.extensionName); server_no_context_takeover; client_no_context_takeover\(limit)"
    }

    /// Bytes that a reference may reach back in what the server compresses.
    public var serverWindowBytes: Int { 1 << (serverWindowBits ?? 15) }

    private init?(to offer: ExtensionOffer) {
        var seen: Set<String> = []
        var serverWindowBits: Int?
        for parameter in offer.parameters {
            guard seen.insert(parameter.name).inserted else { return nil }
            switch (parameter.name, parameter.value) {
            case ("server_no_context_takeover", nil), ("client_no_context_takeover", nil): break
            case ("server_max_window_bits", let value?):
                guard let bits = Self.windowBits(value) else { return nil }
                serverWindowBits = bits
            // A client that may be told to use a smaller window, or says that it will: what it sends is inflated with
            // the largest one, so it is told nothing.
            case ("client_max_window_bits", nil): break
            case ("client_max_window_bits", let value?): guard Self.windowBits(value) != nil else { return nil }
            default: return nil
            }
        }
        self.serverWindowBits = serverWindowBits
    }

    /// A decimal number from 8 to 15 without a zero in front.
    private static func windowBits(_ text: String) -> Int? {
        guard !text.hasPrefix("0"), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(text).flatMap { (8...15).contains($0) ? $0 : nil }
    }
}
