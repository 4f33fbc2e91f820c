internal import RedisClient
internal import RedisProtocol
internal import RelayCore
internal import RelayWire

extension HistorySpan {
    /// How many messages are asked for.
    var limit: Int {
        switch self {
        case .latest(let limit), .after(_, let limit), .before(_, let limit): max(limit, 0)
        }
    }

    var isAscending: Bool {
        if case .after = self { true } else { false }
    }

    /// The command that reads the span and one entry more.
    func command(on stream: String) -> RedisCommand {
        // One beyond the page says whether there is more.
        let count = String(limit < .max ? limit + 1 : limit)
        switch self {
        case .latest:
            return RedisCommand("XREVRANGE", stream, "+", "-", "COUNT", count)
        case .after(let id, _):
            // Redis takes an open bound for an error where nothing can lie beyond it; this span is empty.
            let isLast = id.milliseconds == .max && id.sequence == .max
            return RedisCommand("XRANGE", stream, isLast ? "+" : "(\(id)", isLast ? "-" : "+", "COUNT", count)
        case .before(let id, _):
            return RedisCommand(
                "XREVRANGE", stream, id == .zero ? "-" : "(\(id)", id == .zero ? "+" : "-", "COUNT", count)
        }
    }
}

/// The replies of one look: meta fields, the span, the oldest entries, the newest entries, the members, how many
/// messages were deleted, meta fields once more.
struct HistoryReply {
    /// The command that reads the fields of `meta`.
    static func metaCommand(_ key: String) -> RedisCommand {
        var command = RedisCommand("HMGET", key, "seq", "epoch", "archived_id", "deleted_at", "opened")
        command.append(contentsOf: RoomNature.names)
        return command
    }

    let page: HistoryPage
    /// What the room is; nil where it does not say so.
    let nature: RoomNature?
    /// Whether the room was deleted.
    let isDeleted: Bool
    /// Whether that it is open to all is somebody's will, though one of its name was not.
    let isOpened: Bool
    /// Entries of the span that are no messages.
    let foreignCount: Int
    /// Whether the oldest or the newest entry is not a message and the one looked for was not found.
    let hasForeignOutermost: Bool
    /// The last entry of the page in the direction of reading.
    let outerID: MessageID?

    private struct Entry {
        let id: MessageID
        let fields: [(name: String, value: String)]

        init?(_ value: RESPValue) {
            guard let parts = value.array, parts.count == 2, let id = parts[0].string.flatMap({ MessageID($0) }),
                let flat = parts[1].array
            else { return nil }
            self.id = id
            fields = stride(from: 0, to: flat.count - 1, by: 2).map {
                (flat[$0].string ?? "", flat[$0 + 1].string ?? "")
            }
        }

        func message(in room: RoomID) -> Message? { StreamFields.message(id: id, room: room, fields: fields) }
    }

    /// Reads the replies; nil where they are none of such a look.
    init?(_ parts: [RESPValue], span: HistorySpan, room: RoomID) {
        guard parts.count == 7, let meta = parts[0].array, meta.count == 5 + RoomNature.names.count,
            var entries = parts[1].array, let oldest = parts[2].array, let newest = parts[3].array
        else { return nil }
        nature = RoomNature(meta[5...])
        isOpened = meta[4].string != nil
        isDeleted = meta[3].string != nil
        let more = entries.count > span.limit
        if more { entries.removeLast(entries.count - span.limit) }
        let read = entries.map(Entry.init)
        outerID = read.last.flatMap { $0?.id }
        var frames: [StoredFrame] = []
        frames.reserveCapacity(read.count)
        for entry in span.isAscending ? read : read.reversed() {
            guard let message = entry?.message(in: room) else { continue }
            frames.append(
                StoredFrame(id: message.id, seq: message.seq, envelope: EnvelopeEncoder.envelope(of: message)))
        }
        foreignCount = read.count - frames.count

        let first = Self.firstMessage(oldest, room)
        let last = Self.firstMessage(newest, room)
        hasForeignOutermost = !oldest.isEmpty && (first == nil || last == nil)
        let createdAt = isDeleted ? nil : nature.flatMap { UInt64($0.fields[2]) }
        // The archive's place may still be that in an earlier room of that name.
        let archivedID = meta[2].string.flatMap { MessageID($0) }.flatMap {
            $0.milliseconds >= createdAt ?? 0 ? $0 : nil
        }
        let standing = (isDeleted ? nil : meta[1].string).flatMap { UInt64($0) }.map { epoch in
            RoomStanding(
                epoch: epoch, lastSeq: min(meta[0].string.flatMap { UInt64($0) } ?? 0, Limits.seqMax),
                lastID: last?.id ?? archivedID, oldestSeq: first?.seq,
                oldestID: first?.id, createdAt: createdAt)
        }
        var page = HistoryPage(standing: standing, frames: isDeleted ? [] : frames, more: more && !isDeleted)
        page.isDeleted = isDeleted
        if standing != nil {
            page.facts = Self.facts(meta[5...], of: room, members: parts[4])
        }
        page.hasDeletions = (parts[5].int ?? 0) > 0
        self.page = page
    }

    /// The envelope of one entry; nil where it is no message.
    static func frame(of entry: RESPValue, in room: RoomID) -> StoredFrame? {
        guard let message = Entry(entry)?.message(in: room) else { return nil }
        return StoredFrame(id: message.id, seq: message.seq, envelope: EnvelopeEncoder.envelope(of: message))
    }

    private static func facts(_ fields: ArraySlice<RESPValue>, of room: RoomID, members: RESPValue) -> RoomFacts {
        let fields = fields.map(\.string)
        return RoomFacts(
            name: fields[0] ?? room.description, createdBy: fields[1].flatMap { UserID($0) },
            createdAt: fields[2].flatMap { UInt64($0) } ?? 0, topic: fields[3] ?? "", isPrivate: fields[4] == "1",
            members: Self.members(members))
    }

    private static func members(_ reply: RESPValue) -> Set<UserID> {
        Set((reply.array ?? []).lazy.compactMap { $0.string.flatMap { UserID($0) } })
    }

    private static func firstMessage(_ entries: [RESPValue], _ room: RoomID) -> Message? {
        entries.lazy.compactMap { Entry($0)?.message(in: room) }.first
    }
}
