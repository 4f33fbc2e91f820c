/// Rooms by name: one room's id, or all whose ids begin alike, `appointment:*`.
///
/// A `*` stands at the end only; alone it covers every room. Direct conversations are rooms too: `dm:*`.
public struct RoomPattern: Hashable, Sendable, CustomStringConvertible {
    /// Bytes of a pattern; a longer one is none. The longest id is that of a direct conversation.
    public static let bytesMax = 2 * Limits.identifierBytesMax + 4

    /// The pattern as it was written.
    public let description: String
    private let text: String
    private let isPrefix: Bool

    /// Validates a pattern that came from outside; nil where it is not one.
    public init?(_ pattern: String) {
        description = pattern
        isPrefix = pattern.utf8.last == UInt8(ascii: "*")
        if isPrefix {
            // Cut by bytes: what stands before the star could make one character with it.
            let beginning = pattern.utf8.dropLast()
            guard Self.isBeginning(beginning) else { return nil }
            text = String(Substring(beginning))
        } else {
            guard let room = RoomID(pattern) else { return nil }
            text = room.description
        }
    }

    /// Whether the room is one of those that the pattern names.
    public func covers(_ room: RoomID) -> Bool {
        isPrefix ? room.description.utf8.starts(with: text.utf8) : room.description == text
    }

    /// Whether some room's id may begin like this.
    private static func isBeginning(_ bytes: Substring.UTF8View) -> Bool {
        bytes.isEmpty
            || Identifier.isValid(String(Substring(bytes)).utf8, bytesMax: bytesMax) { byte in
                Identifier.isRoomMark(byte) || byte == UInt8(ascii: "@") || byte == UInt8(ascii: "+")
            }
    }
}
