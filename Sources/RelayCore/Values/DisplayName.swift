/// The name that people see: any Unicode, 1 to 64 bytes, no control characters.
public struct DisplayName: Hashable, Sendable, CustomStringConvertible {
    /// The name itself.
    public let description: String

    /// Validates a name that came from outside; nil where it is not one.
    public init?(_ text: String) {
        guard (1...Limits.nameBytesMax).contains(text.utf8.count) else { return nil }
        let isControl = { (scalar: Unicode.Scalar) in
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: true
            default: false
            }
        }
        guard !text.unicodeScalars.contains(where: isControl) else { return nil }
        description = text
    }

    /// What a user is called who gave no name: their id.
    public init(_ user: UserID) {
        description = user.description
    }
}

/// A sender's own mark of a message: 1 to 64 printable ASCII bytes, good for ten minutes.
public struct Nonce: Hashable, Sendable, CustomStringConvertible {
    /// The mark itself.
    public let description: String

    /// Validates a nonce that came from outside; nil where it is not one.
    public init?(_ text: String) {
        guard (1...Limits.nonceBytesMax).contains(text.utf8.count), text.utf8.allSatisfy({ (0x20...0x7e).contains($0) })
        else { return nil }
        description = text
    }
}
