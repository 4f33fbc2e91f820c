import NIOCore
public import RelayClient
import RelayCore
import RelayWire

/// The shell of one client: obeys its machine with real connections.
public actor ClientDriver {
    /// How often the machine is asked what to do.
    private static let beat: Duration = .milliseconds(25)
    /// Events that wait for a client; from there on its socket is not read, and the relay sees a slow reader.
    private static let eventsMax = 64

    private let client: Int
    private let edges: [RelayURL]
    private let recorder: CheckRecorder
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private var machine: ClientStateMachine
    private var connection: RelayConnection?
    private var session: UInt32 = 0
    private var isPaused = false
    private var resumption: CheckedContinuation<Void, Never>?
    private var isOver = false

    /// A client that connects as soon as it runs.
    ///
    /// - Parameter edges: the WebSocket URLs, without a user.
    public init(_ plan: ClientPlan, edges: [RelayURL], recorder: CheckRecorder) {
        client = plan.number
        let user = Speech.user(ofClient: plan.number)
        self.edges = edges.compactMap { RelayURL("\($0)\($0.target.contains("?") ? "&" : "?")user=\(user)") }
        self.recorder = recorder
        start = clock.now
        machine = ClientStateMachine(plan, now: Moment(nanoseconds: 0))
    }

    /// Works until `depart` is called.
    public func run() async {
        while !isOver {
            perform(machine.ticked(now: now))
            try? await Task.sleep(for: Self.beat)
        }
    }

    /// No new things are said; what is open is settled, and every room is taken up.
    public func finish() { machine.finish() }

    /// Whether that is done.
    public var isSettled: Bool { machine.isSettled }

    /// Leaves all rooms, closes, and lets `run` return.
    public func depart() {
        perform(machine.depart(now: now))
        isOver = true
    }

    private var now: Moment { Moment(nanoseconds: start.duration(to: clock.now).wholeNanoseconds) }

    private func perform(_ actions: [ClientAction]) {
        for action in actions {
            switch action {
            case .record(let room, let fact):
                if case .opened = fact { session = (session & 0xffff) + 1 | UInt32(client) << 16 }
                recorder.record(room: room, client: client, session: session, fact)
            case .open(let edge): Task { await open(edge) }
            case .send(let command, let ref):
                let isTaken = connection?.trySend(RequestEncoder.encode(command, ref: .integer(ref))) ?? false
                // A socket that takes nothing for so long is as good as gone.
                if !isTaken, let connection { Task { await connection.cut() } }
            case .close:
                if let connection { Task { await connection.close() } }
                resume()
            case .cut:
                if let connection { Task { await connection.cut() } }
                resume()
            case .pause: isPaused = true
            case .resume: resume()
            }
        }
    }

    private func resume() {
        isPaused = false
        resumption?.resume()
        resumption = nil
    }

    private func open(_ edge: Int) async {
        var configuration = RelayConnectionConfiguration(url: edges[edge])
        configuration.eventsMax = Self.eventsMax
        configuration.openDeadline = .seconds(5)
        do {
            let connection = try await RelayConnection.open(configuration)
            self.connection = connection
            perform(machine.opened(now: now))
            Task { await read(connection) }
        } catch {
            machine.openFailed(now: now)
        }
    }

    private func read(_ connection: RelayConnection) async {
        for await event in connection.events {
            if isPaused { await withCheckedContinuation { resumption = $0 } }
            switch event {
            case .text(let text): received(text)
            case .pong: break
            case .closed(let closing):
                self.connection = nil
                perform(machine.closed(Self.cause(of: closing), now: now))
            }
        }
    }

    private func received(_ text: ByteBuffer) {
        do {
            perform(machine.received(try ServerFrameDecoder.decode(text), now: now))
        } catch {
            perform(machine.strange("\(error)"))
        }
    }

    private static func cause(of closing: Closing) -> CloseCause {
        switch closing.origin {
        case .own: .own
        case .peer: .relay(code: closing.code ?? 1005)
        case .violation, .silence, .cut: .lost
        }
    }
}
