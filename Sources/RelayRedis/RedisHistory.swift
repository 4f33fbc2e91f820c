internal import DequeModule
internal import NIOCore
internal import RedisClient
internal import RedisProtocol
public import RelayCore

/// Reads rooms out of their streams.
///
/// Confined to the event loop of its `RedisRelay`. One read is one transaction, so that the messages and the room's
/// standing are of one moment. Only so many are out at a time, so that each is answered in time also where a lost
/// subscription makes every room of the edge read at once; the others wait for their turn, up to a bound beyond which
/// they are `unavailable`. Commands that it needs: `MULTI`, `EXEC`, `HMGET`, `XRANGE`, `XREVRANGE`.
public final class RedisHistory: HistoryStore {
    private let keys: KeySpace
    private let reads: RedisCommander
    private let faults: StoreFaults

    /// Entries looked at to find the oldest and the newest one that is a message, where the outermost one is none.
    private static let outermostMax = 200
    /// Commands of one transaction.
    private static let transactionCount = 8
    /// Reads that are out at a time.
    private static let underWayMax = 256
    /// Reads that wait for their turn: every room of an edge may have one for itself and one for readers.
    private static let waitingMax = 262_144
    /// Entries of one further look where a whole page was none of ours.
    private static let furtherLimit = 500

    private var underWay = 0
    private var waiting: Deque<() -> Void> = []
    private var isAdmitting = false

    init(keys: KeySpace, reads: RedisCommander, faults: StoreFaults) {
        self.keys = keys
        self.reads = reads
        self.faults = faults
    }

    /// Reads a span and the room's standing in one transaction. Entries that are no messages are counted and skipped.
    public func read(
        _ span: HistorySpan, of room: RoomID, completion: @escaping (Result<HistoryPage, Refusal>) -> Void
    ) {
        guard waiting.count < Self.waitingMax else {
            return completion(.failure(faults.refusal(for: .overloaded, doing: "reading history")))
        }
        waiting.append { [self] in
            read(span, of: room, outermost: 1) { [self] outcome in
                underWay -= 1
                completion(outcome)
                admit()
            }
        }
        admit()
    }

    /// Asks the set of deleted messages.
    public func deleted(
        among ids: [MessageID], of room: RoomID, completion: @escaping (Result<Set<MessageID>, Refusal>) -> Void
    ) {
        guard !ids.isEmpty else { return completion(.success([])) }
        var command = RedisCommand("SMISMEMBER", keys.deleted(of: room))
        command.append(contentsOf: ids.lazy.map(\.description))
        reads.send(command) { [faults] outcome in
            switch outcome {
            case .failure(let error):
                completion(.failure(faults.refusal(for: error, doing: "asking what was deleted")))
            case .success(let value):
                let flags = value.array ?? []
                completion(.success(Set(zip(ids, flags).lazy.filter { $0.1.int == 1 }.map(\.0))))
            }
        }
    }

    /// Without a connection reads fail as they are begun: the loop, and not one call inside the other, takes the next.
    private func admit() {
        guard !isAdmitting else { return }
        isAdmitting = true
        defer { isAdmitting = false }
        while underWay < Self.underWayMax, let begin = waiting.popFirst() {
            underWay += 1
            begin()
        }
    }

    private func read(
        _ span: HistorySpan, of room: RoomID, outermost: Int,
        _ completion: @escaping (Result<HistoryPage, Refusal>) -> Void
    ) {
        // A transaction that is cut off by the bound of the connection would swallow what follows.
        guard reads.inFlightCount + Self.transactionCount <= RedisLimits.inFlightMax else {
            return completion(.failure(faults.refusal(for: .overloaded, doing: "reading history")))
        }
        let stream = keys.stream(of: room)
        var meta = RedisCommand("HMGET", keys.meta(of: room))
        meta.append(contentsOf: HistoryReply.metaFields)
        let commands = [
            RedisCommand("MULTI"),
            meta,
            span.command(on: stream),
            RedisCommand("XRANGE", stream, "-", "+", "COUNT", "\(outermost)"),
            RedisCommand("XREVRANGE", stream, "+", "-", "COUNT", "\(outermost)"),
            RedisCommand("SMEMBERS", keys.members(of: room)),
            RedisCommand("SCARD", keys.deleted(of: room)),
        ]
        for command in commands { reads.send(command) { _ in } }
        reads.send(RedisCommand("EXEC")) { [self] outcome in
            switch outcome {
            case .failure(let error): completion(.failure(faults.refusal(for: error, doing: "reading history")))
            case .success(let value):
                if let error = value.array?.lazy.compactMap(\.error).first {
                    completion(.failure(faults.refusal(for: RedisError(error), doing: "reading history")))
                } else if let reply = HistoryReply(value, span: span, room: room) {
                    answered(reply, span, room, outermost: outermost, completion)
                } else {
                    completion(.failure(faults.unreadableReply(doing: "reading history")))
                }
            }
        }
    }

    private func answered(
        _ reply: HistoryReply, _ span: HistorySpan, _ room: RoomID, outermost: Int,
        _ completion: @escaping (Result<HistoryPage, Refusal>) -> Void
    ) {
        if reply.hasForeignOutermost, outermost < Self.outermostMax {
            return read(span, of: room, outermost: Self.outermostMax, completion)
        }
        faults.foreignEntries(reply.foreignCount)
        if reply.page.frames.isEmpty, reply.page.more, span.limit > 0, let outer = reply.outerID {
            // A page without a message but with more behind it would leave its reader nowhere to go on from.
            let further: HistorySpan
            switch span {
            case .after: further = .after(outer, limit: Self.furtherLimit)
            case .latest, .before: further = .before(outer, limit: Self.furtherLimit)
            }
            return read(further, of: room, outermost: outermost) { [self] outcome in
                completion(outcome.map { cut($0, to: span) })
            }
        }
        completion(.success(reply.page))
    }

    /// A further look reads more than was asked for.
    private func cut(_ page: HistoryPage, to span: HistorySpan) -> HistoryPage {
        guard page.frames.count > span.limit else { return page }
        var cut = page
        cut.more = true
        switch span {
        case .after: cut.frames = Array(page.frames.prefix(span.limit))
        case .latest, .before: cut.frames = Array(page.frames.suffix(span.limit))
        }
        return cut
    }
}
