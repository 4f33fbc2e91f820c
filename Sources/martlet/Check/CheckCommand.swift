import ArgumentParser
import Foundation
import RelayCheck
import RelayClient
import RelayCore
import RelayRedis
import RelaySettings

/// `martlet check`: breaks a relay on purpose, and proves from outside that nothing was lost.
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Break a relay on purpose, and prove that nothing was lost, or show what was.",
        discussion: """
            Clients talk in rooms of their own (check:SEED:N), try sends again on other edges, leave, come back, are \
            cut off and stop reading; all that they see is held against Redis, the archive and each other. \
            With --own it starts a Redis, two edges and an archiver in a temporary directory, and may break all of \
            them. Without, it talks to the edges and the Redis that it is given, touches no process and no key of \
            others, and causes no fault but those that --faults names.

            Faults: kill-connections, script-flush, pause, output-buffer, lost-publish; with --own also restart-edge, \
            kill-edge, restart-archiver, restart-redis, stop. `all` stands for these. By name only, since Redis loses \
            messages by them: flush-room, trim.

            Exit codes: 0 every guarantee held, 1 one did not, 64 a wrong setting, 69 the relay cannot be reached or \
            does not start.

            Examples:
              martlet check --own --duration 1h
              martlet check --redis-url redis://127.0.0.1:6379 --edges http://127.0.0.1:8080
              martlet check --own --seed 7 --faults kill-edge,restart-redis --json
            """)

    @Flag(help: "Start a relay of its own, and break that.")
    var own = false

    @OptionGroup var redis: DirectRedisOptions

    @Option(help: "Where the edges are, http://HOST:PORT, divided by commas. Default: those of `martlet up`.")
    var edges: String?

    @Option(help: "The directory of the archive, to be held against what was acknowledged.")
    var archiveDir: String?

    @Option(help: "How long to go on, before all is settled and looked at.")
    var duration = SpanSetting(.seconds(60))

    @Option(help: "How many clients there are.")
    var clients = 20

    @Option(help: "How many rooms they talk in.")
    var rooms = 5

    @Option(help: "Chooses what is done when; the same seed does the same. Default: one that nobody had.")
    var seed: UInt64?

    @Option(help: "What may be done to the relay, divided by commas; all, or none. Default: all with --own, else none.")
    var faults: String?

    @Flag(help: "Leave the rooms in Redis, and with --own the whole directory, for a look.")
    var keepRooms = false

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() async throws {
        let seed = seed ?? UInt64.random(in: 1...999_999_999)
        let plan = CheckPlan(
            seed: seed, duration: duration.duration, clients: try Checked.number("--clients", clients, in: 1...500),
            rooms: try roomIDs(try Checked.number("--rooms", rooms, in: 1...100), seed: seed),
            faults: try chosenFaults(),
            keepsRooms: keepRooms)
        guard plan.duration >= .seconds(1) else {
            throw SettingError(setting: "--duration", problem: "less than a second shows nothing")
        }
        let keys = try redis.keys()
        Console.complain("check: seed \(seed)")
        let report = own ? try await checkOwn(plan, keys) : try await checkGiven(plan, keys)
        var output = BulkOutput()
        if json { output.addLine(report.json()) } else { report.lines().forEach { output.addLine($0) } }
        let code: Int32 = report.isClean ? 0 : 1
        try output.flushOrExit(unreadCode: code)
        throw ExitCode(code)
    }

    private func checkOwn(_ plan: CheckPlan, _ keys: KeySpace) async throws -> CheckReport {
        for (name, isGiven) in [
            ("--redis-url", redis.redisUrl != nil), ("--edges", edges != nil), ("--archive-dir", archiveDir != nil),
        ] where isGiven {
            throw SettingError(setting: name, problem: "with --own there is nothing else to check")
        }
        let relay = try await OwnRelay.start(keyPrefix: redis.keyPrefix)
        do {
            let target = CheckTarget(
                redis: try RedisSetting.configuration(
                    url: relay.plan.redisURL, clientName: "martlet-check", environment: [:]),
                keys: keys, edges: relay.plan.edgeURLs.compactMap { RelayURL($0) }, archive: relay.plan.archive,
                own: relay)
            let report = try await CheckRun(plan: plan, target: target).run()
            // What failed may be wanted for a closer look.
            await relay.shutDown(keepingFiles: keepRooms || !report.isClean)
            return report
        } catch {
            await relay.shutDown(keepingFiles: keepRooms)
            throw error
        }
    }

    private func checkGiven(_ plan: CheckPlan, _ keys: KeySpace) async throws -> CheckReport {
        let environment = ProcessInfo.processInfo.environment
        let running = UpRecord.ofRunning()
        let url = redis.url
        let texts = edges.map { $0.split(separator: ",").map(String.init) } ?? running?.edges ?? []
        guard !texts.isEmpty else {
            throw SettingError(setting: "--edges", problem: "no edge is named, and no `martlet up` runs here")
        }
        let edgeURLs = try texts.map { text throws(SettingError) in
            guard let url = RelayURL(text) else {
                throw SettingError(
                    setting: "--edges", problem: "\(PlainText.cleaned(text)) is not of the form http://HOST:PORT")
            }
            return url
        }
        let archive = archiveDir ?? (redis.redisUrl == nil && edges == nil ? running?.archive : nil)
        let directory = try archive.map { path throws(SettingError) in
            do throws(SettingError) { return try ArchiveDirectory.checked(path) } catch {
                throw SettingError(setting: "--archive-dir", problem: error.problem)
            }
        }
        let target = CheckTarget(
            redis: try RedisSetting.configuration(url: url, clientName: "martlet-check", environment: environment),
            keys: keys, edges: edgeURLs, archive: directory, own: nil)
        return try await CheckRun(plan: plan, target: target).run()
    }

    private func roomIDs(_ count: Int, seed: UInt64) throws -> [RoomID] {
        (1...count).compactMap { RoomID("check:\(seed):\($0)") }
    }

    private func chosenFaults() throws(SettingError) -> [Fault] {
        var chosen: [Fault] = []
        for name in (faults ?? (own ? "all" : "none")).split(separator: ",", omittingEmptySubsequences: false) {
            switch name {
            case "all": chosen += Fault.all(withOwnProcesses: own)
            case "none": break
            default:
                guard let fault = Fault(rawValue: String(name)) else {
                    throw SettingError(
                        setting: "--faults",
                        problem: "\(PlainText.cleaned(String(name))) is none of "
                            + Fault.allCases.map(\.rawValue).joined(separator: ", "))
                }
                guard own || !fault.needsOwnProcesses else {
                    throw SettingError(setting: "--faults", problem: "\(fault.rawValue) is for --own alone")
                }
                chosen.append(fault)
            }
        }
        var seen: Set<Fault> = []
        return chosen.filter { seen.insert($0).inserted }
    }
}
