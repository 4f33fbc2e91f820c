import ArgumentParser
import Foundation
import Glibc
import NIOCore
import RelayClient
import RelayCore
import RelaySettings

/// `martlet doctor`: what is wrong with a relay, and what to do about it.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Walk every hop of a relay, and say in words what is wrong and what to do.",
        discussion: """
            Looks at Redis (reachable, login, version, role, memory, persistence, output buffers, the user's rights, \
            clock), posts with the relay's own script in a room of its own that it takes away again, hears it come \
            back over the channel, and then at the edges and archivers that say in Redis how they are, at the edges \
            that --edge names, and at the disk of --archive-dir. Run it as the user that the edges are: in the URL, or \
            MARTLET_REDIS_USERNAME and MARTLET_REDIS_PASSWORD. That user may not ask for Redis's settings; \
            --admin-url names one who may.

            Exit codes: 0 all is well, 1 something is wrong, 64 a wrong setting, 69 Redis, or an edge that --edge \
            names, cannot be reached.

            Examples:
              martlet doctor
              martlet doctor --redis-url redis://db:6379 --edge https://chat.example --archive-dir /var/lib/martlet
              martlet doctor --json | jq '.checks[] | select(.state == "wrong")'
            """)

    @OptionGroup var redis: DirectRedisOptions

    @Option(help: "A URL of the same Redis with a user who may CONFIG GET. Default: --redis-url.")
    var adminUrl: String?

    @Option(help: "An edge to ask, http://HOST:PORT; repeatable. Default: those of `martlet up`.")
    var edge: [String] = []

    @Option(
        help:
            "A PEM file with the authority of the edges' certificates. Default: MARTLET_CA, else those of the system.",
        completion: .file())
    var caFile: String?

    @Option(help: "Whether an archiver is wanted, as for the edges.")
    var archive = SwitchSetting.on

    @Option(
        help: "The archiver's directory, where this machine has it. Default: that of `martlet up`.",
        completion: .directory)
    var archiveDir: String?

    @Option(help: "What has to be free on its disk.")
    var diskMin = ByteCountSetting(bytes: 1 << 30)

    @Option(help: "Messages that the archiver may be behind.")
    var behindMax = 10_000

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() async throws {
        let keys = try redis.keys()
        let behindMax = try Checked.number("--behind-max", behindMax, in: 0...Int.max)
        // What runs here by `martlet up` is looked at whole, unless something else is asked about.
        let isOwn = redis.redisUrl == nil && ProcessInfo.processInfo.environment["MARTLET_REDIS_URL"] == nil
        let up = isOwn ? UpRecord.ofRunning() : nil
        let edges = try (edge.isEmpty ? up?.edges ?? [] : edge).map(Self.edge)
        let authorities = try Authorities.read(caFile)
        let direct = try DirectRedis(redis, clientName: "martlet-doctor")
        let admin = try adminUrl.map { try DirectRedis(url: $0, setting: "--admin-url", clientName: "martlet-doctor") }
        Signals.watch { number in Ending.exit(128 + number) }

        let walk = RedisWalk(direct: direct, admin: admin, keys: keys, behindMax: archive == .on ? behindMax : nil)
        var report = DoctorReport(findings: await walk.findings())
        for edge in edges {
            report.findings.append(await EdgeAsking(edge: edge, authorities: authorities).finding())
        }
        if let directory = archiveDir ?? up?.archive, archive == .on {
            report.findings.append(DiskJudgement.finding(directory: directory, bytesMin: diskMin.bytes))
        } else {
            report.findings.append(HopFinding(.disk, .skipped, "--archive-dir is not given"))
        }
        await direct.close()
        await admin?.close()
        if json {
            Console.say(String(buffer: report.json))
        } else {
            let columns = isatty(STDOUT_FILENO) == 1 ? TerminalSize.ofOutput().columns : nil
            for line in report.lines(TerminalStyle(), columns: columns) { Console.say(line) }
        }
        throw ExitCode(report.exitCode)
    }

    private static func edge(_ text: String) throws(SettingError) -> RelayURL {
        guard let url = RelayURL(text) else {
            throw SettingError(
                setting: "--edge", problem: "\(PlainText.cleaned(text)) is not of the form http://HOST:PORT")
        }
        return url
    }
}
