/// The id of a user: `[A-Za-z0-9][A-Za-z0-9._@-]{0,63}`, folded to lower case on entry.
public struct UserID: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The folded id.
    public let description: String

    /// Validates and folds an id that came from outside; nil where it is not one.
    public init?(_ text: String) {
        guard Identifier.isValid(text.utf8, bytesMax: Limits.identifierBytesMax, alsoAllowed: Identifier.isUserMark)
        else {
            return nil
        }
        let hasCapitals = text.utf8.contains { $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") }
        description = hasCapitals ? text.lowercased() : text
    }

    /// Validates and folds a part of a text that came from outside; nil where it is not an id.
    public init?(_ text: Substring) {
        self.init(String(text))
    }

    /// By the bytes of the id.
    public static func < (left: UserID, right: UserID) -> Bool { left.description < right.description }
}

/// The grammar that room ids and user ids share.
enum Identifier {
    static func isValid(
        _ bytes: String.UTF8View, bytesMax: Int, alsoAllowed: (UInt8) -> Bool
    ) -> Bool {
        guard let first = bytes.first, isAlphanumeric(first), bytes.count <= bytesMax else { return false }
        return bytes.dropFirst().allSatisfy { isAlphanumeric($0) || alsoAllowed($0) }
    }

    static func isRoomMark(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "-")
    }

    static func isUserMark(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "@") || byte == UInt8(ascii: "-")
    }

    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }
}
