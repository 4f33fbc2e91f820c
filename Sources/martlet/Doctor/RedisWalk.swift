import Foundation
import NIOPosix
import RedisClient
import RedisProtocol
import RelayCore
import RelayRedis

/// Walks from this machine to Redis, through it, and to those who say in it how they are.
struct RedisWalk {
    let direct: DirectRedis
    /// A connection of a user who may ask for settings; nil for the same one.
    let admin: DirectRedis?
    let keys: KeySpace
    /// Messages that an archiver may be behind; nil where none is wanted.
    let behindMax: Int?

    private var client: RedisClient { direct.client }
    private static let patience = Duration.seconds(5)
    /// Numbers of shards up to which archivers are looked for.
    private static let shardsMax = 16

    func findings() async -> [HopFinding] {
        var findings: [HopFinding] = []
        do {
            let version = try await client.waitUntilReady(deadline: Self.patience)
            let start = ContinuousClock.now
            _ = try await client.execute(RedisCommand("PING"))
            let span = ContinuousClock.now - start
            findings.append(
                HopFinding(.redis, .well, "\(direct.configuration) answers in \(span.wholeNanoseconds / 1000) µs"))
            findings.append(HopFinding(.login, .well, "as \(direct.configuration.username ?? "the default user")"))
            findings.append(HopFinding(.version, .well, "Redis \(version)"))
        } catch {
            return Self.unreached(direct.configuration, error)
                + Self.rest(after: error, isArchiveWanted: behindMax != nil)
        }
        guard let room = RoomID("doctor-\(String(UInt64.random(in: .min ... .max), radix: 36))") else {
            return findings
        }
        do {
            findings += RedisJudgement.all(try await facts())
            findings.append(await rights(in: room))
            findings.append(try await clock())
            findings += await post(in: room)
            findings += try await edges()
            findings += try await archivers()
        } catch {
            findings.append(
                HopFinding(
                    .redis, .wrong, "it stopped answering on the way: \(error)",
                    remedy: "see Redis's log, and ask again"))
        }
        return findings
    }

    // MARK: Getting there

    private static func unreached(_ redis: RedisConfiguration, _ error: RedisError) -> [HopFinding] {
        switch error {
        case .unsupportedVersion(let version, _):
            let well = HopFinding(.redis, .well, "\(redis) answers")
            return [
                well,
                HopFinding(
                    .version, .wrong, "Redis \(version) is too old", remedy: "7.0 or newer is needed, or Valkey"),
            ]
        case .serverError(_, let message):
            let well = HopFinding(.redis, .well, "\(redis) answers")
            if error.kind == .noPermission {
                return [
                    well,
                    HopFinding(
                        .rights, .wrong, "this user may not even begin: \(message)",
                        remedy: "deploy/redis/make-acl writes users with the rights that are needed"),
                ]
            }
            if error.kind == .loading {
                return [
                    HopFinding(
                        .redis, .unreachable, "\(redis) is still reading its data", remedy: "wait, and ask again")
                ]
            }
            return [
                well,
                HopFinding(
                    .login, .wrong, "it lets nobody in with this user and password: \(message)",
                    remedy:
                        "MARTLET_REDIS_USERNAME and MARTLET_REDIS_PASSWORD, or in --redis-url, as in Redis's ACL file"),
            ]
        default:
            return [
                HopFinding(
                    .redis, .unreachable, "\(redis): \(error)",
                    remedy: "is Redis running there, is the URL right, does a firewall stand between?")
            ]
        }
    }

    private static func rest(after error: RedisError, isArchiveWanted: Bool) -> [HopFinding] {
        let hops: [HopFinding.Hop] = [.memory, .persistence, .buffers, .clock, .script, .channel, .edges]
        return (hops + (isArchiveWanted ? [.archiver] : [])).map {
            HopFinding($0, .skipped, "not looked at: the way to it is barred")
        }
    }

    // MARK: Redis itself

    private func facts() async throws(RedisError) -> RedisFacts {
        let info = try await client.execute(RedisCommand("INFO")).string ?? ""
        return RedisFacts(info: info, settings: await settings())
    }

    private func settings() async -> [String: String]? {
        let asked = admin?.client ?? client
        if admin != nil { _ = try? await asked.waitUntilReady(deadline: Self.patience) }
        let command = RedisCommand("CONFIG", "GET", "appendfsync", "client-output-buffer-limit")
        guard let cells = try? await asked.execute(command).array else { return nil }
        return Self.pairs(cells)
    }

    static func pairs(_ cells: [RESPValue]) -> [String: String] {
        var pairs: [String: String] = [:]
        for index in stride(from: 0, to: cells.count - 1, by: 2) {
            if let name = cells[index].string { pairs[name] = cells[index + 1].string ?? "" }
        }
        return pairs
    }

    private func rights(in room: RoomID) async -> HopFinding {
        do {
            let refused = try await RightsTrial(client: client, keys: keys, room: room).refused()
            guard !refused.isEmpty else { return HopFinding(.rights, .well, "all that an edge needs") }
            let shown = refused.prefix(8).joined(separator: ", ")
            let more = refused.count > 8 ? " and \(refused.count - 8) more" : ""
            return HopFinding(
                .rights, .wrong, "this user may not run \(shown)\(more) on \(keys.prefix):*, as an edge has to",
                remedy: "run this as the edge's user; if it is, deploy/redis/make-acl writes one with the rights needed"
            )
        } catch {
            return HopFinding(.rights, .skipped, "could not be tried: \(error)")
        }
    }

    private func clock() async throws(RedisError) -> HopFinding {
        let before = Self.microseconds()
        let time = try await client.execute(RedisCommand("TIME")).array ?? []
        let after = Self.microseconds()
        let redis = time.count == 2 ? (time[0].int ?? 0) * 1_000_000 + (time[1].int ?? 0) : 0
        return RedisJudgement.clock(redis: redis, before: before, after: after)
    }

    private static func microseconds() -> Int { Int(Date().timeIntervalSince1970 * 1_000_000) }

    // MARK: Through it

    /// The script in a room of its own, and its channel there and back.
    private func post(in room: RoomID) async -> [HopFinding] {
        let ear = ChannelEar(
            channelName: keys.channelName(of: room), eventLoop: MultiThreadedEventLoopGroup.singleton.next())
        let isOpen = await ear.open(direct.configuration, within: Self.patience)
        defer { ear.close() }
        let trial = PostTrial(client: client, keys: keys, room: room)
        guard let user = UserID("doctor") else { return [] }
        let start = ContinuousClock.now
        var findings: [HopFinding] = []
        do {
            let outcome = try await trial.post("doctor's trial", user: user)
            let span = ContinuousClock.now - start
            findings.append(Self.script(outcome, span))
            switch outcome {
            case .posted where !isOpen: findings.append(Self.deaf(ear.failure))
            case .posted(let receipt):
                let moment = await ear.moment(of: receipt.id.description, within: .seconds(2))
                findings.append(Self.channel(moment.map { $0 - start }))
            case .unpublished(let reason):
                findings.append(
                    HopFinding(
                        .channel, .wrong, "what is stored is not published: \(reason)",
                        remedy: "the user needs its channels: &\(keys.prefix):*, as deploy/redis/make-acl writes it"))
            case .refused: findings.append(HopFinding(.channel, .skipped, "nothing was posted that could come back"))
            }
        } catch {
            findings = [
                HopFinding(
                    .script, .wrong, "the script that posts does not run: \(error)", remedy: Self.remedy(error)),
                HopFinding(.channel, .skipped, "nothing was posted that could come back"),
            ]
        }
        try? await trial.takeAway()
        return findings
    }

    private static func script(_ outcome: PostTrial.Outcome, _ span: Duration) -> HopFinding {
        if case .refused(let reason) = outcome {
            return HopFinding(.script, .wrong, "the script that posts stored nothing: \(reason)")
        }
        return HopFinding(
            .script, .well, "loaded, and posted in a room of its own in \(span.wholeNanoseconds / 1000) µs")
    }

    private static func channel(_ span: Duration?) -> HopFinding {
        guard let span else {
            return HopFinding(
                .channel, .wrong, "what was published did not come back within 2 s",
                remedy: "see Redis's log; is a proxy between that does not know SUBSCRIBE?")
        }
        return HopFinding(.channel, .well, "there and back in \(span.wholeNanoseconds / 1000) µs")
    }

    private static func deaf(_ failure: RedisError?) -> HopFinding {
        HopFinding(
            .channel, .wrong, "it cannot be subscribed to\(failure.map { ": \($0)" } ?? "")",
            remedy: "the user needs SUBSCRIBE and its channels, as deploy/redis/make-acl writes it")
    }

    private static func remedy(_ error: RedisError) -> String {
        switch error.kind {
        case .outOfMemory: "Redis is full: raise maxmemory; the archiver empties it, see whether it runs"
        case .misconfigured: "Redis cannot save to its disk and refuses writes: see its log"
        case .readOnly: "this is a replica: point --redis-url at the primary"
        case .noPermission: "deploy/redis/make-acl writes users with the rights that are needed"
        case .noReplicas: "min-replicas-to-write asks for replicas that are not there"
        default: "see Redis's log"
        }
    }

    // MARK: Who else is there

    private func edges() async throws(RedisError) -> [HopFinding] {
        let time = try await client.execute(RedisCommand("TIME")).array?.first?.int ?? 0
        let cells = try await client.execute(RedisCommand("ZRANGE", keys.edges, "0", "-1", "WITHSCORES")).array ?? []
        var edges: [RelayJudgement.Edge] = []
        for index in stride(from: 0, to: cells.count - 1, by: 2) {
            guard let id = cells[index].string else { continue }
            let figures = try await client.execute(RedisCommand("HGETALL", keys.edge(EdgeID(id)))).array ?? []
            let heartbeat = cells[index + 1].string.flatMap { Double($0) } ?? 0
            edges.append(
                RelayJudgement.Edge(
                    id: id, heartbeat: UInt64(max(0, min(heartbeat, 9e15))), figures: Self.pairs(figures)))
        }
        let numbers = try? await client.execute(RedisCommand("PUBSUB", "NUMSUB", keys.control)).array
        return RelayJudgement.edges(
            edges, now: UInt64(max(0, time)) * 1000, listeners: numbers.flatMap { $0.last?.int })
    }

    private func archivers() async throws(RedisError) -> [HopFinding] {
        guard let behindMax else {
            return [HopFinding(.archiver, .skipped, "--archive off: none is wanted")]
        }
        var found: [RelayJudgement.Archiver] = []
        for count in 1...Self.shardsMax {
            for index in 0..<count {
                let shard = "\(index)/\(count)"
                let cells = try await client.execute(RedisCommand("HGETALL", keys.archiver(shard: shard))).array ?? []
                guard !cells.isEmpty else { continue }
                let lock = try await client.execute(RedisCommand("EXISTS", keys.archiverLock(shard: shard)))
                found.append(.init(shard: shard, figures: Self.pairs(cells), isHeld: lock.int == 1))
            }
        }
        return RelayJudgement.archivers(found, behindMax: behindMax)
    }
}
