internal import RelayCore

/// One of the rooms that had an id one after the other: it was deleted, or Redis lost it, and somebody made another.
public struct FormerRoom: Sendable, Equatable, Codable {
    /// Its name; nil where nobody said.
    public var name: String?
    /// Who made it; nil where nobody said.
    public var createdBy: String?
    /// What it was about; nil where nobody said.
    public var topic: String?
    /// When it was created, in ms; nil where nobody can tell any more whose the messages are: they are nobody's.
    public var createdAt: UInt64?
    /// Whether it was for its members alone.
    public var isPrivate: Bool
    /// The members of a private one, sorted.
    public var members: [String]
    /// The first id that is not of it any more.
    public var until: String

    enum CodingKeys: String, CodingKey {
        case name, topic, members, until
        case createdBy = "created_by"
        case createdAt = "created_at"
        case isPrivate = "private"
    }

    /// The room of a record, when another one follows.
    init(_ record: RoomRecord, until id: MessageID) {
        (name, createdBy, topic, createdAt) = (record.name, record.createdBy, record.topic, record.createdAt)
        (isPrivate, members) = (record.isPrivate, record.members)
        until = id.description
    }

    /// Messages that are nobody's.
    init(nobodyUntil id: MessageID) {
        (isPrivate, members, until) = (true, [], id.description)
    }

    /// The first id that is not of it; the lowest of all where it cannot be read, so that nothing is taken for its own.
    var end: MessageID { MessageID(until) ?? .zero }
}

extension RoomRecord {
    /// A span that holds every id that is given.
    static let everything = MessageID.zero..<MessageID(milliseconds: .max, sequence: .max)

    /// Where the messages of the room begin.
    private var begin: MessageID { (former ?? []).last?.end ?? .zero }

    /// The span of the ids of the present room since it was made.
    var ownSpan: Range<MessageID> { begin..<max(begin, Self.everything.upperBound) }

    /// The spans of ids that are of the room that was created at that time, ascending; none where there was none.
    func spans(ofRoomCreatedAt createdAt: UInt64) -> [Range<MessageID>] {
        var spans: [Range<MessageID>] = []
        var begin = MessageID.zero
        for room in former ?? [] {
            let end = max(begin, room.end)
            if room.createdAt == createdAt, begin < end { spans.append(begin..<end) }
            begin = end
        }
        if self.createdAt == createdAt { spans.append(ownSpan) }
        return spans
    }

    /// What the room was that was created at that time; nil where there was no such one.
    public func room(createdAt: UInt64) -> FormerRoom? {
        if self.createdAt == createdAt { return FormerRoom(self, until: Self.everything.upperBound) }
        return former?.last { $0.createdAt == createdAt }
    }

    /// What the room is.
    public var present: FormerRoom { FormerRoom(self, until: Self.everything.upperBound) }

    /// When the rooms were created that had this id, each once, ascending.
    public var creationTimes: [UInt64] {
        Set((former ?? []).compactMap(\.createdAt) + [createdAt].compactMap(\.self)).sorted()
    }

    /// The record of a room that was made anew under the same id, whose messages begin at `id`.
    func succeeded(by standing: ArchiveStanding, room: RoomID, from id: MessageID) -> RoomRecord {
        var record = RoomRecord(room: room, standing: standing)
        (record.epoch, record.rewind) = (epoch, rewind)
        record.former = Self.bounded((former ?? []) + [FormerRoom(self, until: id)])
        return record
    }

    /// Messages came late, with ids from `id` on, among those below `end` that may be of another room: all between are
    /// nobody's from now on, since whoever may read the one need not be allowed to read the other.
    mutating func disown(from id: MessageID, to end: MessageID) {
        guard id < end else { return }
        var rooms = former ?? []
        let cut = rooms.firstIndex { $0.end > id } ?? rooms.endIndex
        let begin = cut > rooms.startIndex ? rooms[cut - 1].end : .zero
        var kept = Array(rooms.prefix(cut))
        if id > begin {
            var last = cut < rooms.endIndex ? rooms[cut] : FormerRoom(self, until: id)
            last.until = id.description
            kept.append(last)
        }
        rooms = kept + [FormerRoom(nobodyUntil: end)]
        former = Self.bounded(rooms)
    }

    /// Whether a message with this id would stand among those of a former room.
    func isOfFormerRoom(_ id: MessageID) -> Bool { id < begin }

    /// Where that room's messages end and those of the present one begin.
    var formerEnd: MessageID { begin }

    /// The oldest ones become nobody's beyond `Limits.archiveFormerRoomsMax`.
    private static func bounded(_ rooms: [FormerRoom]) -> [FormerRoom] {
        guard rooms.count > Limits.archiveFormerRoomsMax else { return rooms }
        let newer = rooms.suffix(Limits.archiveFormerRoomsMax - 1)
        return [FormerRoom(nobodyUntil: rooms[rooms.count - newer.count - 1].end)] + newer
    }
}
