/// What a reader says about compression when it connects, and what it has to be answered.
enum DeflateOffer {
    /// The line of the upgrade. Without context takeover, since all readers share one inflater.
    static let line =
        "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"

    /// Whether a server's head agrees: to the extension, and to compress each message by itself.
    static func isAccepted(byHead head: String) -> Bool {
        head.lowercased().split(separator: "\r\n").contains { line in
            guard line.hasPrefix("sec-websocket-extensions:") else { return false }
            let words = line.split { ":;, ".contains($0) }
            return words.contains("permessage-deflate") && words.contains("server_no_context_takeover")
        }
    }
}
