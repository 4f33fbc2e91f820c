internal import NIOCore
internal import RedisProtocol
internal import RelayCore
internal import RelayWire

/// Reads the reply of `archive-look`.
struct StreamLookDecoder {
    let room: RoomID

    /// The look; nil where the reply has another shape.
    func decode(_ reply: RESPValue) -> StreamLook? {
        guard let parts = reply.array, parts.count == 6, let seconds = parts[0].unsigned,
            let micros = parts[1].unsigned, let rows = parts[3].array
        else { return nil }
        var entries: [StreamEntry] = []
        entries.reserveCapacity(rows.count)
        for row in rows {
            guard let entry = entry(row) else { return nil }
            entries.append(entry)
        }
        return StreamLook(
            now: seconds * 1000 + micros / 1000, standing: parts[2].array.map(Self.standing), entries: entries,
            oldestID: parts[4].string.flatMap { MessageID($0) }, lastID: parts[5].string.flatMap { MessageID($0) })
    }

    /// Where the room stands, by the fields of `StreamLookReplies.fields`.
    static func standing(_ fields: [RESPValue]) -> ArchiveStanding {
        func number(_ index: Int) -> UInt64? { index < fields.count ? fields[index].unsigned : nil }
        var archived: ArchivePosition?
        if fields.count > 2, let id = fields[2].string.flatMap({ MessageID($0) }), let seq = number(3) {
            archived = ArchivePosition(id: id, seq: seq)
        }
        func string(_ index: Int) -> String? { index < fields.count ? fields[index].string : nil }
        var standing = ArchiveStanding(
            epoch: number(0), seq: number(1) ?? 0, archived: archived, createdAt: number(4),
            isPrivate: string(5) == "1", isDeleted: string(6) != nil)
        (standing.name, standing.createdBy, standing.topic) = (string(7), string(8), string(9))
        standing.isRestored = string(10) != nil
        return standing
    }

    private static func text(_ bytes: ByteBuffer) -> String? {
        String(validating: bytes.readableBytesView, as: UTF8.self)
    }

    /// One entry, by the text of its fields; nil where it is none.
    func entry(_ row: RESPValue) -> StreamEntry? {
        guard let parts = row.array, parts.count == 2, let id = parts[0].string.flatMap({ MessageID($0) }),
            let values = parts[1].array
        else { return nil }
        var fields: [(name: String, value: String)] = []
        for index in stride(from: 0, to: values.count - 1, by: 2) {
            // A text that is not UTF-8 was put in by hand: repaired, it would not be what was said.
            guard let name = values[index].string, let value = values[index + 1].bytes.flatMap(Self.text) else {
                return .unreadable(id)
            }
            fields.append((name, value))
        }
        guard let message = StreamFields.message(id: id, room: room, fields: fields) else { return .unreadable(id) }
        let envelope = EnvelopeEncoder.envelope(of: message)
        return .frame(StoredFrame(id: id, seq: message.seq, envelope: envelope))
    }
}

extension RESPValue {
    /// A number of 64 bits without sign.
    var unsigned: UInt64? { string.flatMap { UInt64($0) } }
}
