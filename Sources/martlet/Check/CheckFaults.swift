import RedisClient
import RedisProtocol
import RelayCheck
import RelayCore
import RelayRedis

/// Causes faults: over the port of Redis, and to processes of the checker's own.
final class CheckFaults {
    /// What the programs of a relay call their connections.
    private static let clientNames = ["martlet-edge", "martlet-archiver"]
    private static let bufferLimit = "client-output-buffer-limit"

    /// What a post does but for telling anybody: seq, entry, counter.
    private static let storeWithoutWord = """
        local epoch, seq = unpack(redis.call('HMGET', KEYS[1], 'epoch', 'seq'))
        if not epoch or not seq then return false end
        local id = redis.call('XADD', KEYS[2], '*', 'seq', string.format('%.0f', seq + 1), 'type', 'message',
          'user', ARGV[1], 'name', ARGV[1], 'text', ARGV[2])
        redis.call('HSET', KEYS[1], 'seq', string.format('%.0f', seq + 1))
        return { id, seq + 1 }
        """

    private let redis: RedisClient
    private let target: CheckTarget
    private let plan: CheckPlan
    private let speech: Speech
    private let recorder: CheckRecorder
    private var rooms: [RoomID] { plan.rooms }
    /// Messages that were stored without a word; they are those of a client beyond the last.
    private var silentCount: UInt32 = 0

    init(redis: RedisClient, target: CheckTarget, plan: CheckPlan, speech: Speech, recorder: CheckRecorder) {
        self.redis = redis
        self.target = target
        self.plan = plan
        self.speech = speech
        self.recorder = recorder
    }

    /// Does it, and returns when it is over. One that Redis refuses is said, and does not count.
    func cause(_ order: FaultSchedule.Order) async {
        do {
            switch order.fault {
            case .killConnections: try await killConnections(order.choice)
            case .scriptFlush: try await done(.scriptFlush) { try await ask("SCRIPT", "FLUSH") }
            case .pause: try await pause(order)
            case .outputBuffer: try await cutBySize(order.choice)
            case .lostPublish: try await storeWithoutWord(order.choice)
            case .flushRoom, .trim: try await lose(order)
            case .restartEdge, .killEdge, .restartArchiver, .restartRedis, .stop:
                await target.own?.cause(order, recorder)
            }
        } catch {
            Console.complain("check: \(order.fault.rawValue) was not done: \(error)")
        }
    }

    private func done(_ fault: Fault, target: Int = 0, _ body: () async throws -> Void) async throws {
        try await body()
        recorder.record(.faultBegan(fault, target: target))
        recorder.record(.faultEnded(fault, target: target))
    }

    @discardableResult
    private func ask(_ name: String, _ arguments: String...) async throws(RedisError) -> RESPValue {
        var command = RedisCommand(name)
        command.append(contentsOf: arguments)
        return try await redis.execute(command, deadline: .seconds(5))
    }

    /// Some of the relay's connections, and nobody else's.
    private func killConnections(_ choice: Int) async throws {
        let list = try await ask("CLIENT", "LIST").string ?? ""
        let ids = list.split(separator: "\n").compactMap { line -> String? in
            let fields = line.split(separator: " ")
            guard let name = fields.first(where: { $0.hasPrefix("name=") })?.dropFirst(5),
                Self.clientNames.contains(String(name))
            else { return nil }
            return fields.first { $0.hasPrefix("id=") }.map { String($0.dropFirst(3)) }
        }
        guard !ids.isEmpty else { return }
        var random = CheckRandom(seed: UInt64(choice))
        let chosen = ids.shuffled(using: &random).prefix(1 + random.below(ids.count))
        try await done(.killConnections) {
            for id in chosen { try await ask("CLIENT", "KILL", "ID", id) }
        }
    }

    private func pause(_ order: FaultSchedule.Order) async throws {
        recorder.record(.faultBegan(.pause, target: 0))
        defer { recorder.record(.faultEnded(.pause, target: 0)) }
        let kind = order.choice.isMultiple(of: 2) ? "ALL" : "WRITE"
        try await ask("CLIENT", "PAUSE", "\(order.hold.wholeMilliseconds)", kind)
        try? await Task.sleep(for: order.hold)
    }

    /// Lowers the limit of what may wait for a subscriber, and publishes more than that on a room's channel: no
    /// message, so edges drop what of it they get.
    private func cutBySize(_ choice: Int) async throws {
        let before = try await ask("CONFIG", "GET", Self.bufferLimit).array?.last?.string ?? ""
        guard !before.isEmpty else { return }
        let words = before.split(separator: " ").map(String.init)
        guard let place = words.firstIndex(of: "pubsub"), words.count > place + 3 else { return }
        let normal = words[place...(place + 3)].joined(separator: " ")
        try await done(.outputBuffer) {
            try await ask("CONFIG", "SET", Self.bufferLimit, "pubsub 65536 0 0")
            let room = rooms[choice % rooms.count]
            let published = await Result { () async throws(RedisError) in
                try await ask("PUBLISH", target.keys.channelName(of: room), String(repeating: "x", count: 200_000))
            }
            try await ask("CONFIG", "SET", Self.bufferLimit, normal)
            _ = try published.get()
        }
    }

    /// A message that only those who count will notice: by the next one's number, or by a look at a quiet room.
    private func storeWithoutWord(_ choice: Int) async throws {
        let room = choice % rooms.count
        silentCount += 1
        let key = SendKey(client: plan.clients, number: silentCount, hasNonce: false)
        recorder.record(room: room, client: plan.clients, .sent(key, attempt: 1))
        let reply = try await ask(
            "EVAL", Self.storeWithoutWord, "2", target.keys.meta(of: rooms[room]), target.keys.stream(of: rooms[room]),
            Speech.user(ofClient: plan.clients), speech.text(of: key)
        ).array
        guard let reply, reply.count == 2, let id = reply[0].string.flatMap({ MessageID($0) }), let seq = reply[1].int
        else { return }
        let place = Place(id: id, seq: UInt64(seq))
        recorder.record(room: room, .faultBegan(.lostPublish, target: room))
        recorder.record(room: room, client: plan.clients, .acknowledged(key, place, isDuplicate: false))
        try await ask("ZADD", target.keys.rooms, "GT", "\(id.milliseconds)", rooms[room].description)
    }

    private func lose(_ order: FaultSchedule.Order) async throws {
        let room = order.choice % rooms.count
        // First the record: what it excuses may come at once.
        recorder.record(room: room, .faultBegan(order.fault, target: room))
        defer { recorder.record(room: room, .faultEnded(order.fault, target: room)) }
        if order.fault == .trim {
            try await ask("XTRIM", target.keys.stream(of: rooms[room]), "MAXLEN", "10")
        } else {
            try await ask("DEL", target.keys.stream(of: rooms[room]), target.keys.meta(of: rooms[room]))
        }
    }
}

extension Result {
    fileprivate init(_ body: () async throws(Failure) -> Success) async {
        do throws(Failure) { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
