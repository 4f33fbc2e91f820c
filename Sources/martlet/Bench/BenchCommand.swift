import ArgumentParser
import Foundation
import RelayBench
import RelayClient
import RelayCore
import RelaySettings

/// `martlet bench`: how fast a relay is, on the machines at hand.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Load a relay, and say how fast it delivers, what that costs and whether anything is lost.",
        discussion: """
            Clients join rooms, bench:1, bench:2, …, and read; posts are made at a steady pace or as fast as they are \
            delivered. Latencies count from the moment that a post was meant for, so that a stall is charged for every \
            post that it held up. With --floor the same load is put on a bare epoll loop, by itself or through Redis, \
            or the posts alone on Redis, and the costs are compared.

            An edge grants a session 20 posts a second and a user 60. For more, start it with \
            --rate 1000000 --burst 1000000 --user-rate 1000000. Without --pid the edges and the Redis of `martlet up` \
            are measured where that is what is loaded. With --auth jwt the token comes from MARTLET_TOKEN.

            Exit codes: 0, 1 where anything was lost, repeated or out of order or no post was stored, be it under \
            the floor, 64 a wrong setting, 69 the relay or the floor cannot be reached; where it is the floor, the \
            relay's report is printed all the same.

            Examples:
              martlet bench --clients 1000 --rate 200 --pid edge:$(pidof martlet-edge)
              martlet bench --clients 1000 --unpaced --floor coalesced
              martlet bench --clients 50 --rate 50 --floor redis
              martlet bench --clients 0 --unpaced --floor script --pid redis:$(pidof redis-server)
              martlet bench --clients 1000 --rate 50 --deflate
              martlet bench --clients 50000 --rooms 500 --rate 0 --duration 60s
              martlet bench --clients 10000 --storm 10s --duration 30s --json --plot storm.svg
            """)

    @Option(help: "Where an edge is, ws://HOST:PORT; repeatable. Default: MARTLET_URL, else those of `martlet up`.")
    var url: [String] = []

    @Option(help: "How many connections read; 0: it is only posted.")
    var clients = 1000

    @Flag(help: "Have readers agree to compression (permessage-deflate) with the relay.")
    var deflate = false

    @Option(help: "How many rooms they are spread over.")
    var rooms = 1

    @Option(help: "Posts a second, over all rooms; 0: connections stand idle. Default: 50.")
    var rate: Double?

    @Flag(help: "Post as fast as what is posted is delivered.")
    var unpaced = false

    @Option(help: "With --unpaced: how many posts may be on their way.")
    var window = 64

    @Option(help: "How posts are made: ws, http or redis.")
    var via = RouteSetting.ws

    @OptionGroup var redis: DirectRedisOptions

    @Option(help: "How many connections post. Default: so many that none posts more than ten times a second.")
    var posters: Int?

    @Option(help: "How long a text is.")
    var bytes = ByteCountSetting(bytes: 128)

    @Option(help: "How long is measured.")
    var duration = SpanSetting(.seconds(10))

    @Option(help: "How long the same load goes before that.")
    var warmUp = SpanSetting(.seconds(1))

    @Option(help: "How often all readers are cut off at once, to come back for what they missed.")
    var storm: SpanSetting?

    @Option(help: "How many readers a second leave their room and join it again.")
    var joins = 0

    @Option(help: "A process whose cost is measured, NAME:PID; repeatable. Redis is told apart by its program.")
    var pid: [String] = []

    @Option(
        defaultAsFlag: FloorSetting.plain, parsing: .next,
        help: ArgumentHelp(
            "Put the same load on a bare epoll loop: plain, a write for each message, or coalesced.",
            discussion: """
                redis: on that loop by way of PUBLISH and SUBSCRIBE; script: on Redis alone, posts by the script that \
                edges post with.
                """))
    var floor: FloorSetting?

    @Flag(help: "Print one JSON object.")
    var json = false

    @Option(help: "Write a picture of latency and deliveries, SVG, to this file.")
    var plot: String?

    func run() async throws {
        let plan = try plan()
        let edges = try edges()
        let processes = try processes(orOf: edges)
        // All that is wanted is looked for before anything is loaded.
        if floor == .redis { try await BenchRedis.reach(redis) }
        let target = via == .redis || floor == .script ? try await BenchRedis.target(redis) : nil
        let outcome = try load(
            plan, on: plan.needsEdges ? edges : [], via == .redis ? target : nil, processes, hangsUp: floor != nil)
        var floorReport: BenchReport.Floor?
        var floorFailure: (any Error)?
        if let kind = floor?.kind {
            // What came of the relay is told whatever comes of its floor.
            do {
                floorReport = BenchReport.Floor(kind: kind, outcome: try await load(plan, on: kind, target, processes))
            } catch { floorFailure = error }
        }
        let redisURL = target.map { "redis://\($0.server.host):\($0.server.port)" }
        let urls = plan.needsEdges ? edges.map { "ws://\($0.authority)\($0.path)" } : [redisURL ?? ""]
        let report = BenchReport(urls: urls, outcome: outcome, floor: floorReport)
        if let plot { try write(report.svg(), to: plot) }
        var output = BulkOutput()
        if json { output.addLine(report.json()) } else { report.lines().forEach { output.addLine($0) } }
        let code: Int32 = report.isSound ? 0 : 1
        try output.flushOrExit(unreadCode: code)
        if let floorFailure { throw floorFailure }
        throw ExitCode(code)
    }

    /// Puts a load on edges, and where it hangs up has them rid of it before it returns: its descriptors are another's
    /// then, and its readers' leaving burdens nobody.
    func load(
        _ plan: BenchPlan, on edges: [BenchTarget], _ redis: RedisTarget?, _ processes: [WatchedProcess],
        hangsUp: Bool = false
    ) throws -> BenchOutcome {
        let line = BenchProgressLine()
        defer { line.end() }
        do {
            let run = try BenchRun(plan: plan, edges: edges, redis: redis, processes: processes) { line.show($0) }
            let outcome = try run.run()
            if hangsUp, !run.hangUp() {
                line.end()
                Console.complain("bench: the relay is not at rest though everybody left, which its floor pays for too")
            }
            return outcome
        } catch {
            line.end()
            switch error {
            case .tooFewDescriptors: throw SettingError(setting: "--clients", problem: "\(error)")
            case .unknownHost: throw SettingError(setting: "--url", problem: "\(error)")
            case .uncompressed: throw SettingError(setting: "--deflate", problem: "\(error)")
            case .unreachable, .system:
                Console.complain("\(PlainText.cleaned("\(error)"))")
                throw ExitCode(69)
            }
        }
    }

    private func write(_ svg: String, to path: String) throws {
        do { try Data(svg.utf8).write(to: URL(fileURLWithPath: path)) } catch {
            Console.complain("--plot: \(path) cannot be written")
            throw ExitCode(1)
        }
    }
}

extension BenchCommand {
    /// The load that the flags describe, within its bounds.
    func plan() throws(SettingError) -> BenchPlan {
        var plan = BenchPlan()
        plan.readers = try Checked.number("--clients", clients, in: 0...BenchLimits.readersMax)
        plan.offersDeflate = deflate
        plan.rooms = try Checked.number("--rooms", rooms, in: 1...BenchLimits.roomsMax)
        plan.route = via.route
        plan.pace = try pace()
        plan.posters =
            plan.pace == .none
            ? 0
            : try Checked.number(
                "--posters", posters ?? BenchPlan.usualPosters(plan.pace, plan.route), in: 1...BenchLimits.postersMax)
        plan.textBytes = try Checked.number("--bytes", bytes.bytes, in: 32...BenchLimits.textBytesMax)
        plan.span = try Self.nanoseconds("--duration", duration, from: .milliseconds(100))
        plan.warmUp = try Self.nanoseconds("--warm-up", warmUp, from: .zero)
        plan.stormInterval =
            try storm.map { span throws(SettingError) in
                try Self.nanoseconds("--storm", span, from: .milliseconds(100))
            } ?? 0
        plan.joinsPerSecond = Double(try Checked.number("--joins", joins, in: 0...100_000))
        plan.token = ProcessInfo.processInfo.environment["MARTLET_TOKEN"]
        if let token = plan.token, token.contains(where: \.isWhitespace) {
            throw SettingError(setting: "MARTLET_TOKEN", problem: "it holds white space")
        }
        try check(plan)
        return plan
    }

    private func pace() throws(SettingError) -> BenchPlan.Pace {
        if unpaced {
            guard rate == nil else { throw SettingError(setting: "--unpaced", problem: "it goes without --rate") }
            return .window(try Checked.number("--window", window, in: 1...BenchLimits.windowMax))
        }
        let rate = rate ?? 50
        guard rate == 0 || (0.1...BenchLimits.rateMax).contains(rate) else {
            throw SettingError(setting: "--rate", problem: "\(rate) is not between 0.1 and 1000000")
        }
        return rate == 0 ? .none : .rate(rate)
    }

    private static func nanoseconds(
        _ setting: String, _ span: SpanSetting, from least: Duration
    ) throws(SettingError) -> UInt64 {
        guard span.duration >= least, span.duration <= .nanoseconds(Int64(BenchLimits.spanMax)) else {
            throw SettingError(
                setting: setting, problem: "it takes \(SpanSetting(least).defaultValueDescription) to 24h")
        }
        return UInt64(span.duration / .nanoseconds(1))
    }

    /// Where the edges are.
    func edges() throws(SettingError) -> [BenchTarget] {
        let named = ProcessInfo.processInfo.environment["MARTLET_URL"]
        let texts = !url.isEmpty ? url : named.map { [$0] } ?? UpRecord.ofRunning()?.edges ?? ["ws://127.0.0.1:8080"]
        let setting = url.isEmpty && named != nil ? "MARTLET_URL" : "--url"
        return try texts.map { text throws(SettingError) in
            guard let parsed = RelayURL(text) else {
                throw SettingError(
                    setting: setting, problem: "\(PlainText.cleaned(text)) is not of the form ws://HOST:PORT")
            }
            guard !parsed.isSecure else {
                throw SettingError(
                    setting: setting, problem: "TLS is not spoken: its cost here would hide that of the relay")
            }
            return BenchTarget(
                host: parsed.host, port: parsed.port, authority: parsed.authority, path: parsed.target)
        }
    }

    /// What is measured: the processes that are named, or else those of a relay of `martlet up` that is loaded.
    func processes(orOf edges: [BenchTarget]) throws(SettingError) -> [WatchedProcess] {
        guard pid.isEmpty else {
            return try pid.map { text throws(SettingError) in
                let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
                guard parts.count <= 2, let number = parts.last.flatMap({ Int32($0) }), number > 0,
                    let process = WatchedProcess(name: parts.count == 2 ? parts[0] : nil, id: number)
                else {
                    throw SettingError(
                        setting: "--pid", problem: "\(PlainText.cleaned(text)) is not NAME:PID of a process here")
                }
                return process
            }
        }
        guard let up = UpRecord.ofRunning(),
            Set(up.edges.compactMap { RelayURL($0)?.port }).isSuperset(of: edges.map(\.port))
        else { return [] }
        return ProcessTree.children(of: up.pid).compactMap { WatchedProcess(name: nil, id: $0) }
            .filter { $0.isRedis || $0.name == "martlet-edge" }
    }
}

/// `--via`.
enum RouteSetting: String, ExpressibleByArgument, CaseIterable {
    case ws
    case http
    case redis

    var route: PostRoute {
        switch self {
        case .ws: .webSocket
        case .http: .http
        case .redis: .redis
        }
    }
}
