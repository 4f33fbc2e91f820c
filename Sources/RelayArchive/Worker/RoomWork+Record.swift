internal import RelayCore

/// Whose room the files are.
extension RoomWork {
    /// Keeps `room.json` true: before the first line of a room, of one that was made anew under its id, and whenever
    /// something in it changed.
    func refresh(_ files: RoomFiles, _ look: StreamLook, isAppending: Bool) async throws {
        guard let standing = look.standing, standing.epoch != nil else { return }
        let old = files.archive.record
        // A room with nothing to archive has no folder.
        guard old != nil || files.archive.cursor != nil || look.entries.count > 0 else { return }
        var record = old ?? RoomRecord(room: room, standing: standing)
        if old == nil, files.archive.cursor != nil { record.createdAt = nil }
        // Files whose room nobody could tell any more, until somebody put it back out of them.
        if record.createdAt == nil, standing.isRestored { record.createdAt = standing.createdAt }
        // A room in which nothing was said yet may give way to the one that is put back out of the files.
        if isAppending { record = owner(standing, after: record, files) }
        if record.createdAt == nil, standing.isPrivate {
            // It may be the same room all the time: then what was said in it is for fewer people than was known.
            (record.isPrivate, record.members) = (true, [])
        } else if let createdAt = standing.createdAt, record.createdAt == createdAt,
            let members = standing.isPrivate ? try await source.members(of: room, createdAt: createdAt) : []
        {
            (record.name, record.createdBy, record.topic) = (standing.name, standing.createdBy, standing.topic)
            record.isPrivate = standing.isPrivate
            record.members = members.map(\.description)
        }
        record.epoch = files.machine.knownEpoch
        if record != old { try files.archive.write(record) }
    }

    /// The record of the room in which was said what is to be written behind the end of the files.
    private func owner(_ standing: ArchiveStanding, after record: RoomRecord, _ files: RoomFiles) -> RoomRecord {
        guard let made = standing.createdAt, let owner = record.createdAt, made != owner else { return record }
        guard let end = files.archive.cursor else { return RoomRecord(room: room, standing: standing) }
        var next = record.succeeded(by: standing, room: room, from: end.id.next)
        // What is in the files and is younger than the new room is none of the old one's: a version before this one
        // wrote it there, or the clock was set back.
        if made > owner { next.disown(from: MessageID(milliseconds: made, sequence: 0), to: end.id.next) }
        return next
    }

    /// Before messages are written among those up to `end`: where they may be of another room than those around them,
    /// none of these can be told apart any more.
    func disown(from id: MessageID, upTo end: MessageID, _ files: RoomFiles, _ look: StreamLook) throws {
        guard let standing = look.standing, let old = files.archive.record else { return }
        var record = owner(standing, after: old, files)
        let isOther = record.createdAt != old.createdAt
        if isOther || record.isOfFormerRoom(id) { record.disown(from: id, to: isOther ? end.next : record.formerEnd) }
        if record != old { try files.archive.write(record) }
    }
}
