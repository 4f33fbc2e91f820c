internal import RedisClient
internal import RedisProtocol
internal import RelayCore

/// The replies to the plain commands of one look.
///
/// A look has to be of one moment. Of two, it would make the archiver believe what never was: an entry that is trimmed
/// between them is a loss, a number that is given in between belongs to nobody. So what can change is read twice,
/// around the page: `meta` first and last, and `XINFO STREAM` within. Where each is the same both times, nothing that
/// a look tells has changed in between:
///
/// - A message that is posted raises `seq`, and any entry that is added raises the stream's last id.
/// - What is trimmed or deleted, by whomever, lowers `length`; an entry that makes up for it has raised the last id.
/// - `XSETID` changes the last id, an acknowledgement `archived_id`, a deletion `deleted_at`.
/// - A room that is flushed, or set back, and made again gets another `epoch`. One that is gone has no `meta`; rooms
///   without are the script's.
///
/// Somebody who takes a stream away and puts the very same back (`RENAME`, `RESTORE`) could do so around the page
/// alone. So the page is held against what was read around it: it begins with the stream's first entry where that lies
/// in it, and ends with the last one where it is not full.
///
/// Where anything differs there is no look, and the script is asked, which is of one moment by itself. Redis mostly
/// executes what came in one write without a break, so that this is rare. What happens before the first of the
/// commands or after the last is the same to the archiver as it is with the script: a look is always a little old when
/// it is acted on.
struct StreamLookReplies {
    /// The fields of `meta` in the order of `ArchiveScripts.look`.
    static let fields = [
        "epoch", "seq", "archived_id", "archived_seq", "created_at", "private", "deleted_at", "name", "created_by",
        "topic", "restored_at",
    ]

    /// The commands, in their order.
    static func commands(stream: String, meta: String, from id: MessageID, limit: Int) -> [RedisCommand] {
        var fields = RedisCommand("HMGET", meta)
        fields.append(contentsOf: Self.fields)
        let info = RedisCommand("XINFO", "STREAM", stream)
        var page = RedisCommand("XRANGE", stream, id.description, "+", "COUNT", String(limit))
        page.isReplyTaped = true
        return [fields, info, page, RedisCommand("TIME"), info, fields]
    }

    private let meta: [RESPValue]
    private let info: Info?
    private let page: RESPTape
    private let milliseconds: UInt64

    /// The replies; nil where they are not of one moment, or not what the commands answer.
    ///
    /// - Throws: why one of them failed.
    init?(_ outcomes: [Result<RESPValue, RedisError>]) throws(RedisError) {
        guard outcomes.count == 6 else { return nil }
        let info = try Self.info(outcomes[1])
        let page = try outcomes[2].get()
        let time = try outcomes[3].get().array ?? []
        guard try info == Self.info(outcomes[4]) else { return nil }
        let meta = try outcomes[0].get()
        guard try meta == outcomes[5].get(), let meta = meta.array, meta.count == Self.fields.count,
            meta.contains(where: { !$0.isNull }), time.count == 2, let seconds = time[0].unsigned,
            let micros = time[1].unsigned
        else { return nil }
        self.meta = meta
        guard case .tape(let tape) = page else { return nil }
        self.page = tape
        self.info = info.flatMap(Info.init)
        guard info == nil || self.info != nil else { return nil }
        milliseconds = seconds * 1000 + micros / 1000
    }

    /// The look; nil where the page is of another moment than the rest, or holds what is no entry.
    func look(of room: RoomID, from id: MessageID, limit: Int) -> StreamLook? {
        guard let entries = StreamPageDecoder(room: room).decode(page), isOfThisMoment(entries, from: id, limit: limit)
        else { return nil }
        return StreamLook(
            now: milliseconds, standing: StreamLookDecoder.standing(meta), entries: entries, oldestID: info?.firstID,
            lastID: info?.lastGeneratedID)
    }

    private func isOfThisMoment(_ entries: [StreamEntry], from id: MessageID, limit: Int) -> Bool {
        guard let first = info?.firstID, let last = info?.lastID else { return entries.isEmpty }
        if first >= id, entries.first?.id != first { return false }
        if entries.count >= limit { return true }
        return last >= id ? entries.last?.id == last : entries.isEmpty
    }

    /// What `XINFO STREAM` answered; nil where there is no stream.
    private static func info(_ outcome: Result<RESPValue, RedisError>) throws(RedisError) -> RESPValue? {
        do { return try outcome.get() } catch {
            if case .serverError("ERR", let message) = error, message.contains("no such key") { return nil }
            throw error
        }
    }

    /// Of `XINFO STREAM`, what a look says.
    private struct Info {
        var lastGeneratedID: MessageID?
        var firstID: MessageID?
        var lastID: MessageID?

        init?(_ reply: RESPValue) {
            guard let values = reply.array else { return nil }
            for index in stride(from: 0, to: values.count - 1, by: 2) {
                let value = values[index + 1]
                switch values[index].string {
                case "last-generated-id": lastGeneratedID = value.string.flatMap { MessageID($0) }
                case "first-entry": firstID = value.array?.first?.string.flatMap { MessageID($0) }
                case "last-entry": lastID = value.array?.first?.string.flatMap { MessageID($0) }
                default: break
                }
            }
            guard lastGeneratedID != nil, (firstID == nil) == (lastID == nil) else { return nil }
        }
    }
}
