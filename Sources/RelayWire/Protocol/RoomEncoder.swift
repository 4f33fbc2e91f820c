public import RelayCore

/// Writes rooms and lists of rooms, for WebSocket answers and HTTP bodies alike.
public enum RoomEncoder {
    /// The keys of a user's list: `rooms`, and where there are more `more` and `next`, after which these come.
    public static func write(_ list: ConversationList, to object: inout JSONObjectWriter) {
        object.array("rooms") { array in
            for conversation in list.conversations {
                array.object { room in
                    write(conversation.summary, to: &room)
                    room.integer("unread", conversation.unread)
                    room.string("read", conversation.marker.id.description)
                }
            }
        }
        if let next = list.next {
            object.bool("more", true)
            object.string("next", next.description)
        }
    }

    /// The keys of one room in a list: `room name topic private created_by created_at seq last`, and `here` where that
    /// is known.
    public static func write(_ summary: RoomSummary, to object: inout JSONObjectWriter) {
        object.string("room", summary.room.description)
        writeFacts(summary.facts, to: &object)
        writeState(of: summary, to: &object)
    }

    /// The keys of one room alone: those of a list, and `members` of a private one.
    public static func write(whole summary: RoomSummary, to object: inout JSONObjectWriter) {
        write(summary.facts, of: summary.room, to: &object)
        writeState(of: summary, to: &object)
    }

    private static func writeState(of summary: RoomSummary, to object: inout JSONObjectWriter) {
        object.integer("seq", summary.lastSeq)
        if let last = summary.last { object.json("last", last.envelope) } else { object.null("last") }
        if let here = summary.here { object.integer("here", here) }
    }

    /// The keys of a room: `room name topic private created_by created_at`, and `members` of a private one.
    public static func write(_ facts: RoomFacts, of room: RoomID, to object: inout JSONObjectWriter) {
        object.string("room", room.description)
        writeFacts(facts, to: &object)
        guard facts.isPrivate else { return }
        object.array("members") { array in
            for member in facts.members.sorted() { array.string(member.description) }
        }
    }

    private static func writeFacts(_ facts: RoomFacts, to object: inout JSONObjectWriter) {
        object.string("name", facts.name)
        object.string("topic", facts.topic)
        object.bool("private", facts.isPrivate)
        if let creator = facts.createdBy { object.string("created_by", creator.description) }
        object.integer("created_at", facts.createdAt)
    }
}
