internal import DequeModule
internal import NIOCore
internal import RedisClient
internal import RedisProtocol
public import RelayCore

/// Reads rooms out of their streams.
///
/// Confined to the event loop of its `RedisRelay`. The messages and the room's standing are of one moment: the commands
/// of a read leave together, with the room's meta first and last, and where that changed in between they are sent
/// again. (A transaction would be of one moment too, but a Redis that is out of memory takes none; a script costs Redis
/// three times as much.) Only so many are out at a time, so that each is answered in time also where a lost
/// subscription makes every room of the edge read at once; the others wait for their turn, up to a bound beyond which
/// they are `unavailable`. Commands that it needs: `HMGET`, `XRANGE`, `XREVRANGE`, `SMEMBERS`, `SCARD`, `SMISMEMBER`.
public final class RedisHistory: HistoryStore {
    private let keys: KeySpace
    private let reads: RedisCommander
    private let faults: StoreFaults
    private let knownRooms: KnownRooms

    /// Entries looked at to find the oldest and the newest one that is a message, where the outermost one is none.
    private static let outermostMax = 200
    /// Looks at a room that changes in each of them; beyond that the read is `unavailable`. Redis mostly executes what
    /// came in one packet without a break, so that a second look is rare and a third one next to never needed.
    private static let looksMax = 8
    /// Reads that are out at a time.
    private static let underWayMax = 256
    /// Reads that wait for their turn: every room of an edge may have one for itself and one for readers.
    private static let waitingMax = 262_144
    /// Entries of one further look where a whole page was none of ours.
    private static let furtherLimit = 500

    /// Called with each room that turns out to be deleted.
    var onDeleted: ((RoomID) -> Void)?

    private var underWay = 0
    private var waiting: Deque<() -> Void> = []
    private var isAdmitting = false

    init(keys: KeySpace, reads: RedisCommander, faults: StoreFaults, knownRooms: KnownRooms) {
        self.knownRooms = knownRooms
        self.keys = keys
        self.reads = reads
        self.faults = faults
    }

    /// Reads a span and the room's standing, of one moment. Entries that are no messages are counted and skipped.
    public func read(
        _ span: HistorySpan, of room: RoomID, completion: @escaping (Result<HistoryPage, Refusal>) -> Void
    ) {
        guard waiting.count < Self.waitingMax else {
            return completion(.failure(faults.refusal(for: .overloaded, doing: "reading history")))
        }
        waiting.append { [self] in
            read(span, of: room, outermost: 1, looksLeft: Self.looksMax) { [self] outcome in
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
        _ span: HistorySpan, of room: RoomID, outermost: Int, looksLeft: Int,
        _ completion: @escaping (Result<HistoryPage, Refusal>) -> Void
    ) {
        guard looksLeft > 0 else { return completion(.failure(faults.restlessRoom(doing: "reading history"))) }
        let stream = keys.stream(of: room)
        let meta = HistoryReply.metaCommand(keys.meta(of: room))
        let commands = [
            meta, span.command(on: stream), RedisCommand("XRANGE", stream, "-", "+", "COUNT", "\(outermost)"),
            RedisCommand("XREVRANGE", stream, "+", "-", "COUNT", "\(outermost)"),
            RedisCommand("SMEMBERS", keys.members(of: room)), RedisCommand("SCARD", keys.deleted(of: room)), meta,
        ]
        let look = HistoryLook(count: commands.count) { [self] outcome in
            switch outcome {
            case .failure(let error): completion(.failure(faults.refusal(for: error, doing: "reading history")))
            case .success(let replies) where replies.first != replies.last:
                read(span, of: room, outermost: outermost, looksLeft: looksLeft - 1, completion)
            case .success(let replies):
                guard let reply = HistoryReply(replies, span: span, room: room) else {
                    return completion(.failure(faults.unreadableReply(doing: "reading history")))
                }
                answered(reply, span, room, outermost: outermost, completion)
            }
        }
        for (index, command) in commands.enumerated() { reads.send(command) { look.answered(index, $0) } }
    }

    private func answered(
        _ reply: HistoryReply, _ span: HistorySpan, _ room: RoomID, outermost: Int,
        _ completion: @escaping (Result<HistoryPage, Refusal>) -> Void
    ) {
        if reply.hasForeignOutermost, outermost < Self.outermostMax {
            return read(span, of: room, outermost: Self.outermostMax, looksLeft: Self.looksMax, completion)
        }
        if reply.isDeleted {
            knownRooms.deleted(room)
            onDeleted?(room)
        } else if let nature = reply.nature {
            if reply.isOpened { knownRooms.opened(room) }
            knownRooms.learnt(nature, of: room, isSpoken: (reply.page.standing?.lastSeq ?? 0) > 0)
        }
        faults.foreignEntries(reply.foreignCount)
        if reply.page.frames.isEmpty, reply.page.more, span.limit > 0, let outer = reply.outerID {
            // A page without a message but with more behind it would leave its reader nowhere to go on from.
            let further: HistorySpan
            switch span {
            case .after: further = .after(outer, limit: Self.furtherLimit)
            case .latest, .before: further = .before(outer, limit: Self.furtherLimit)
            }
            return read(further, of: room, outermost: outermost, looksLeft: Self.looksMax) { [self] outcome in
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

/// The replies to the commands of one look, until all are there.
private final class HistoryLook {
    private var replies: [RESPValue]
    private var failure: RedisError?
    private var missing: Int
    private let completion: (Result<[RESPValue], RedisError>) -> Void

    init(count: Int, _ completion: @escaping (Result<[RESPValue], RedisError>) -> Void) {
        replies = Array(repeating: .null, count: count)
        missing = count
        self.completion = completion
    }

    /// One command was answered; whoever looks is told after the last, and of the first failure.
    func answered(_ index: Int, _ outcome: Result<RESPValue, RedisError>) {
        switch outcome {
        case .success(let reply): replies[index] = reply
        case .failure(let error): failure = failure ?? error
        }
        missing -= 1
        guard missing == 0 else { return }
        completion(failure.map(Result.failure) ?? .success(replies))
    }
}
