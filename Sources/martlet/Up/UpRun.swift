import Foundation
import Logging
import NIOPosix
import RedisClient
import RelayClient
import RelayProcess

/// Obeys `UpStateMachine`: starts children, hears them, ends them.
actor UpRun {
    private enum Event: Sendable {
        case child(UpStateMachine.Role, ChildProcess.Event)
        case redisReady
        case signal
        case startDeadline
        case stopDeadline(stage: Int)
    }

    /// How long everything may take to be ready: Redis reads its whole append-only file first.
    private static let startDeadline: Duration = .seconds(120)

    /// Lines of Redis that are held until it is ready; further ones are shown at once.
    private static let redisLinesMax = 100

    private let plan: UpPlan
    private var machine: UpStateMachine
    private var children: [UpStateMachine.Role: ChildProcess] = [:]
    private var edgeURLs: [Int: String] = [:]
    private var isRedisReady = false
    private var isStopping = false
    private var redisLines: [String] = []
    private let events: AsyncStream<Event>
    private let continuation: AsyncStream<Event>.Continuation

    init(plan: UpPlan) {
        self.plan = plan
        machine = UpStateMachine(edges: plan.listens.count)
        // Few events come: readiness, ends, signals. Lines of output beyond those are dropped by their readers.
        (events, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(1024))
    }

    /// Runs until everything has ended.
    ///
    /// - Returns: the exit code.
    func run() async -> Int32 {
        Signals.watch { [continuation] _ in continuation.yield(.signal) }
        later(Self.startDeadline, .startDeadline)
        if let code = perform(machine.begun()) { return code }
        for await event in events {
            if let code = perform(actions(for: event)) { return code }
        }
        return 1
    }

    private func actions(for event: Event) -> [UpStateMachine.Action] {
        switch event {
        case .child(let role, .line(let line)):
            guard isReadyLine(line, of: role) else {
                pass(line, of: role)
                return []
            }
            return machine.ready(role)
        case .child(let role, .exited(let end)):
            children[role] = nil
            if role == .redis, !isStopping || end != .exit(0) { tellRedisLines() }
            return machine.exited(role, "\(end)")
        case .child(let role, .failed(let reason)): return machine.failedToStart(role, reason)
        case .redisReady:
            isRedisReady = true
            redisLines = []
            return machine.ready(.redis)
        case .signal:
            isStopping = true
            return machine.stopRequested()
        case .startDeadline: return machine.startDeadlinePassed()
        case .stopDeadline(let stage): return machine.deadlinePassed(stage: stage)
        }
    }

    /// What Redis says at its start and at its end is of interest only where it does not come up, or ends badly.
    private func pass(_ line: String, of role: UpStateMachine.Role) {
        guard role == .redis, !isRedisReady || isStopping, !plan.isVerbose, redisLines.count < Self.redisLinesMax
        else { return Console.complain(line, prefix: role.description) }
        redisLines.append(line)
    }

    private func tellRedisLines() {
        for line in redisLines { Console.complain(line, prefix: "redis") }
        redisLines = []
    }

    /// Nil where it goes on.
    private func perform(_ actions: [UpStateMachine.Action]) -> Int32? {
        for action in actions {
            switch action {
            case .start(let roles): for role in roles { start(role) }
            case .announce: announce()
            case .terminate(let roles, let stage, let span):
                for role in roles { children[role]?.signal(SIGTERM) }
                later(span, .stopDeadline(stage: stage))
            case .kill(let roles): for role in roles { children[role]?.signal(SIGKILL) }
            case .complain(let text): Console.complain(text)
            case .exit(let code): return code
            }
        }
        return nil
    }

    private func start(_ role: UpStateMachine.Role) {
        children[role] = ChildProcess.start(
            name: role.description, command: plan.command(of: role),
            environment: UpPlan.environment(ProcessInfo.processInfo.environment)
        ) { [continuation] event in continuation.yield(.child(role, event)) }
        if role == .redis { watchRedis() }
    }

    private func watchRedis() {
        Task { [plan, continuation] in
            let logger = Logger(label: "martlet") { _ in SwiftLogNoOpLogHandler() }
            guard let configuration = try? RedisConfiguration(url: plan.redisURL),
                let redis = try? RedisClient(
                    configuration: configuration, eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
                    logger: logger)
            else { return }
            do {
                try await redis.waitUntilReady(deadline: Self.startDeadline)
                continuation.yield(.redisReady)
            } catch {
                Console.complain("redis: \(error)")
                continuation.yield(.startDeadline)
            }
            await redis.close()
        }
    }

    private func isReadyLine(_ line: String, of role: UpStateMachine.Role) -> Bool {
        switch role {
        case .redis: return false
        case .archiver: return line.hasPrefix("martlet-archiver ready")
        case .edge(let number):
            let opening = "martlet-edge listening on "
            guard line.hasPrefix(opening) else { return false }
            edgeURLs[number] = String(line.dropFirst(opening.count))
            return true
        }
    }

    private func announce() {
        let urls = edgeURLs.sorted { $0.key < $1.key }.map(\.value)
        let record = UpRecord(
            pid: getpid(), edges: urls.map { UpPlan.webSocketURL(of: $0) }, redis: plan.redisURL,
            archive: plan.directory.archive)
        do {
            try plan.directory.write(record)
        } catch {
            Console.complain("\(plan.directory.record) was not written (\(error)); the other commands need --url")
        }
        for line in plan.announcement(edgeURLs: urls) { Console.say(line) }
    }

    private func later(_ span: Duration, _ event: Event) {
        Task { [continuation] in
            try? await Task.sleep(for: span)
            continuation.yield(event)
        }
    }
}
