/// A pattern of room ids: `*` stands for any run of characters, all else for itself (`appointment:*`).
///
/// Direct conversations are rooms too: `dm:*`.
public struct RoomPattern: Hashable, Sendable, CustomStringConvertible {
    /// The pattern as it was written.
    public let description: String
    private let text: String

    /// Validates a pattern that came from outside; nil where it is empty, longer than `Limits.patternBytesMax` or could
    /// cover no room.
    public init?(_ pattern: String) {
        let bytes = pattern.utf8
        guard (1...Limits.patternBytesMax).contains(bytes.count) else { return nil }
        description = pattern
        guard bytes.contains(UInt8(ascii: "*")) else {
            guard let room = RoomID(pattern) else { return nil }
            text = room.description
            return
        }
        let isMark = { (byte: UInt8) in
            byte == UInt8(ascii: "*") || byte == UInt8(ascii: "@") || byte == UInt8(ascii: "+")
                || Identifier.isRoomMark(byte) || Identifier.isAlphanumeric(byte)
        }
        guard let first = bytes.first, bytes.allSatisfy(isMark),
            first == UInt8(ascii: "*") || Identifier.isAlphanumeric(first)
        else { return nil }
        // The users of a direct conversation stand in its id in lower case.
        text = pattern.hasPrefix("dm:") ? pattern.lowercased() : pattern
    }

    /// Whether the id is one that the pattern stands for. Takes at most the product of both lengths in steps.
    public func covers(_ room: RoomID) -> Bool {
        let (pattern, id) = (text.utf8, room.description.utf8)
        var (at, position) = (pattern.startIndex, id.startIndex)
        // Where the last star stood, and how far what it stands for reaches so far.
        var star: (next: String.Index, end: String.Index)?
        while position < id.endIndex {
            if at < pattern.endIndex, pattern[at] == UInt8(ascii: "*") {
                pattern.formIndex(after: &at)
                star = (at, position)
            } else if at < pattern.endIndex, pattern[at] == id[position] {
                pattern.formIndex(after: &at)
                id.formIndex(after: &position)
            } else if let last = star {
                at = last.next
                position = id.index(after: last.end)
                star = (at, position)
            } else {
                return false
            }
        }
        return pattern[at...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
