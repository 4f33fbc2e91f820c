import ArgumentParser
import Foundation
import Glibc
import RelayCheck
import RelayCore

/// What the checker's own relay consists of.
struct OwnPlan {
    /// A child process.
    enum Role: Hashable {
        case redis
        case archiver
        case edge(Int)
    }

    var redisProgram: String
    var edgeProgram: String
    var archiverProgram: String
    var directory: String
    var redisPort: Int
    var edgePorts: [Int]
    var keyPrefix: String

    var redisURL: String { "redis://127.0.0.1:\(redisPort)" }
    var edgeURLs: [String] { edgePorts.map { "http://127.0.0.1:\($0)" } }
    var archive: String { "\(directory)/archive" }
    var redisDirectory: String { "\(directory)/redis" }
    var roles: [Role] { edgePorts.indices.map(Role.edge) + [.archiver, .redis] }

    /// The command line of a child. Redis syncs every write, so that it keeps what it acknowledged however it ends.
    func command(of role: Role) -> [String] {
        let shared = ["--redis-url", redisURL, "--key-prefix", keyPrefix, "--log-level", "critical"]
        return switch role {
        case .redis:
            [
                redisProgram, "--bind", "127.0.0.1", "--port", "\(redisPort)", "--dir", redisDirectory,
                "--appendonly", "yes", "--appendfsync", "always", "--save", "", "--maxmemory-policy", "noeviction",
                "--daemonize", "no", "--always-show-logo", "no", "--loglevel", "warning",
            ]
        case .archiver: [archiverProgram, "--dir", archive, "--keep", "\(Self.keep)"] + shared
        case .edge(let index):
            [
                edgeProgram, "--listen", "127.0.0.1:\(edgePorts[index])", "--edge-id", "check-\(index)", "--drain",
                "1s",
            ] + shared
        }
    }

    /// Messages that stay in a stream: few enough that clients come back to what is trimmed.
    static let keep = 500

    /// What a child says when it takes work; nil where it does not say.
    func readyLine(of role: Role) -> String? {
        switch role {
        case .redis: nil
        case .archiver: "martlet-archiver ready"
        case .edge: "martlet-edge listening on "
        }
    }
}

/// A relay of the checker's own in a temporary directory, to be broken at will.
actor OwnRelay {
    nonisolated let plan: OwnPlan
    private var children: [OwnPlan.Role: OwnChild] = [:]

    private init(plan: OwnPlan) {
        self.plan = plan
    }

    /// Starts all of it and returns when edges and archiver take work.
    ///
    /// - Throws: `ExitCode(69)` after a line that says why.
    static func start(keyPrefix: String) async throws -> OwnRelay {
        guard let redis = Programs.find("redis-server") else {
            Console.complain("redis-server is not installed; on Debian: apt-get install redis-server")
            throw ExitCode(69)
        }
        guard let edge = Programs.find("martlet-edge"), let archiver = Programs.find("martlet-archiver") else {
            Console.complain("martlet-edge and martlet-archiver are neither beside this program nor on the PATH")
            throw ExitCode(69)
        }
        var ports: [Int] = []
        while ports.count < 3, let port = await PortFinder.free(from: 0, host: "127.0.0.1", taken: Set(ports)) {
            ports.append(port)
        }
        let directory = "\(NSTemporaryDirectory())martlet-check-\(UUID().uuidString.prefix(8))"
        guard ports.count == 3 else {
            Console.complain("no free ports")
            throw ExitCode(69)
        }
        let plan = OwnPlan(
            redisProgram: redis, edgeProgram: edge, archiverProgram: archiver, directory: directory,
            redisPort: ports[0], edgePorts: [ports[1], ports[2]], keyPrefix: keyPrefix)
        for folder in [directory, plan.redisDirectory, plan.archive] {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        }
        let relay = OwnRelay(plan: plan)
        for role in plan.roles.reversed() {
            guard await relay.launch(role) else {
                Console.complain("\(plan.command(of: role)[0]) did not start")
                await relay.shutDown(keepingFiles: false)
                throw ExitCode(69)
            }
        }
        return relay
    }

    /// Ends all of it.
    func shutDown(keepingFiles: Bool) async {
        for role in plan.roles {
            guard let child = children[role] else { continue }
            child.signal(SIGCONT)
            child.signal(SIGTERM)
            if await child.exitStatus(within: .seconds(20)) == nil { child.signal(SIGKILL) }
        }
        if keepingFiles {
            Console.complain("check: the files of the relay are in \(plan.directory)")
        } else {
            try? FileManager.default.removeItem(atPath: plan.directory)
        }
    }

    /// Does a fault to a process, and returns when the process runs as before.
    func cause(_ order: FaultSchedule.Order, _ recorder: CheckRecorder) async {
        let edge = order.choice % plan.edgePorts.count
        switch order.fault {
        case .restartEdge: await replace(.edge(edge), by: SIGTERM, order.fault, target: edge, recorder)
        case .killEdge: await replace(.edge(edge), by: SIGKILL, order.fault, target: edge, recorder)
        case .restartArchiver:
            let signal = order.choice.isMultiple(of: 2) ? SIGKILL : SIGTERM
            await replace(.archiver, by: signal, order.fault, target: 0, recorder)
        case .restartRedis:
            let signal = order.choice.isMultiple(of: 2) ? SIGKILL : SIGTERM
            await replace(.redis, by: signal, order.fault, target: 0, recorder)
        case .stop:
            let index = order.choice % plan.roles.count
            recorder.record(.faultBegan(.stop, target: index))
            children[plan.roles[index]]?.signal(SIGSTOP)
            try? await Task.sleep(for: order.hold)
            children[plan.roles[index]]?.signal(SIGCONT)
            recorder.record(.faultEnded(.stop, target: index))
        case .killConnections, .scriptFlush, .pause, .outputBuffer, .lostPublish, .flushRoom, .trim: break
        }
    }

    private func replace(
        _ role: OwnPlan.Role, by signal: Int32, _ fault: Fault, target: Int, _ recorder: CheckRecorder
    ) async {
        guard let child = children[role] else { return }
        recorder.record(.faultBegan(fault, target: target))
        child.signal(signal)
        let status = await child.exitStatus(within: .seconds(30))
        if status == nil { child.signal(SIGKILL) }
        if case .edge(let index) = role, signal == SIGTERM {
            recorder.record(.edgeEnded(edge: index, status: status ?? -1))
        }
        if await !launch(role) { Console.complain("check: \(plan.command(of: role)[0]) did not come up again") }
        recorder.record(.faultEnded(fault, target: target))
    }

    private func launch(_ role: OwnPlan.Role) async -> Bool {
        let child = OwnChild(command: plan.command(of: role), readyLine: plan.readyLine(of: role))
        children[role] = child
        return await child.isReady(within: .seconds(30))
    }
}
