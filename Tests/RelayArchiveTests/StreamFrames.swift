import NIOCore
import RelayCore
import RelayWire
import Testing

/// Messages for tests.
enum Frames {
    static let room = RoomID("general").unsafelyPresent
    /// 2026-11-21 00:00 UTC.
    static let midnight: UInt64 = 1_795_219_200_000

    static func frame(_ seq: UInt64, at milliseconds: UInt64? = nil, text: String? = nil, in room: RoomID = room)
        -> StoredFrame
    {
        let id = MessageID(milliseconds: milliseconds ?? midnight + seq * 1000, sequence: 0)
        let draft = MessageDraft(
            room: room, user: UserID("alice").unsafelyPresent, name: DisplayName("Alice").unsafelyPresent,
            text: text ?? "message \(seq)")
        let envelope = EnvelopeEncoder.envelope(of: Message(id: id, seq: seq, draft: draft))
        return StoredFrame(id: id, seq: seq, envelope: envelope)
    }

    static func position(_ seq: UInt64, at milliseconds: UInt64? = nil) -> ArchivePosition {
        ArchivePosition(id: frame(seq, at: milliseconds).id, seq: seq)
    }

    static func line(_ seq: UInt64) -> String { String(buffer: frame(seq).envelope) + "\n" }
}

extension Optional {
    /// The value that a test's own constants are sure to have.
    var unsafelyPresent: Wrapped {
        guard let self else { preconditionFailure("a constant of the tests is not what it should be") }
        return self
    }
}
