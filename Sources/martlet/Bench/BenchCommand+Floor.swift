import ArgumentParser
import RelayBench
import RelaySettings

/// `--floor`.
enum FloorSetting: String, ExpressibleByArgument, CaseIterable {
    case plain
    case coalesced
    case redis
    case script

    var kind: FloorKind {
        switch self {
        case .plain: .plain
        case .coalesced: .coalesced
        case .redis: .redis
        case .script: .script
        }
    }
}

extension BenchCommand {
    /// Which flags go together.
    func check(_ plan: BenchPlan) throws(SettingError) {
        if floor != nil, plan.stormInterval > 0 || joins > 0 {
            throw SettingError(setting: "--floor", problem: "it has no history: --storm and --joins are for relays")
        }
        if floor == .script, plan.pace == .none {
            throw SettingError(setting: "--floor", problem: "script is about posts, and there are none")
        }
        guard plan.readers == 0 else { return }
        if plan.pace == .none {
            throw SettingError(
                setting: "--clients", problem: "nobody reads, so somebody has to post: --rate or --unpaced")
        }
        for (name, isGiven) in [("--deflate", deflate), ("--storm", storm != nil), ("--joins", joins > 0)] where isGiven
        {
            throw SettingError(setting: name, problem: "it is about readers, and there are none")
        }
    }

    /// Puts the load of a relay on its floor.
    ///
    /// - Parameters:
    ///   - plan: the relay's.
    ///   - target: for `script`.
    ///   - processes: the relay's, of which Redis is measured here too where it is used.
    func load(
        _ plan: BenchPlan, on kind: FloorKind, _ target: RedisTarget?, _ processes: [WatchedProcess]
    ) async throws -> BenchOutcome {
        var plan = plan
        plan.offersDeflate = false
        guard let mode = kind.mode else {
            plan.readers = 0
            plan.route = .redis
            try await BenchRedis.waitUntilNobodyHears((0..<plan.rooms).map { plan.roomName($0) }, redis)
            return try load(plan, on: [], target, processes.filter(\.isRedis))
        }
        let child = try FloorChild(mode: mode, redisURL: redis.url, relay: processes.first { !$0.isRedis }?.id)
        defer { child.end() }
        // It takes posts over WebSockets only, which costs it least.
        plan.route = .webSocket
        if via != .ws { plan.posters = BenchPlan.usualPosters(plan.pace, .webSocket) }
        let edge = BenchTarget(host: "127.0.0.1", port: child.port, authority: "127.0.0.1:\(child.port)")
        let own = WatchedProcess(name: "floor", id: child.pid, isRedis: false)
        return try load(plan, on: [edge], nil, [own] + (mode == .redis ? processes.filter(\.isRedis) : []))
    }
}
