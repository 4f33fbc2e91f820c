/// What `martlet up` does when: Redis first, then the servers; at the end the other way round.
struct UpStateMachine {
    /// A child process.
    enum Role: Hashable, CustomStringConvertible {
        case redis
        case archiver
        case edge(Int)

        var description: String {
            switch self {
            case .redis: "redis"
            case .archiver: "archiver"
            case .edge(let number): "edge-\(number)"
            }
        }
    }

    /// What to do.
    enum Action: Equatable {
        case start([Role])
        /// Everything is up: say so.
        case announce
        /// Ask these to end; `deadlinePassed(stage)` where they have not by then.
        case terminate([Role], stage: Int, within: Duration)
        case kill([Role])
        /// Tell the person.
        case complain(String)
        case exit(Int32)
    }

    private enum State {
        /// Exits: running, stopping.
        case starting
        /// Exits: stopping.
        case running
        /// Ends one group after another. Exits: over.
        case stopping(stage: Int, code: Int32)
        /// Exits: none.
        case over
    }

    /// The groups in the order in which they end: edges send their clients away, the archiver takes what they posted,
    /// and Redis goes last, because both write to it.
    private let groups: [[Role]]
    private var state = State.starting
    private var alive: Set<Role> = []
    private var ready: Set<Role> = []

    /// A machine for that many edges.
    init(edges: Int) {
        groups = [(1...max(1, edges)).map(Role.edge), [.archiver], [.redis]]
    }

    /// How long each group may take to end.
    private static let patience: [Duration] = [.seconds(10), .seconds(20), .seconds(30)]

    /// The beginning.
    mutating func begun() -> [Action] { start([.redis]) }

    /// A child takes work.
    mutating func ready(_ role: Role) -> [Action] {
        guard case .starting = state, alive.contains(role) else { return [] }
        ready.insert(role)
        if role == .redis { return start(groups[0] + groups[1]) }
        guard ready.count == groups.joined().count else { return [] }
        state = .running
        return [.announce]
    }

    /// A child could not be started at all.
    mutating func failedToStart(_ role: Role, _ reason: String) -> [Action] {
        ended(role, saying: "\(role) did not start: \(reason)")
    }

    /// The start takes too long.
    mutating func startDeadlinePassed() -> [Action] {
        guard case .starting = state else { return [] }
        let late = alive.subtracting(ready).map(\.description).sorted().joined(separator: ", ")
        return stop(code: 1, saying: "not ready in time: \(late)")
    }

    /// A child ended.
    mutating func exited(_ role: Role, _ how: String) -> [Action] {
        ended(role, saying: "\(role) ended by itself (\(how)); stopping everything")
    }

    private mutating func ended(_ role: Role, saying text: String) -> [Action] {
        guard alive.remove(role) != nil else { return [] }
        switch state {
        case .starting, .running: return stop(code: 1, saying: text)
        case .stopping(let stage, let code):
            return groups[stage].contains(where: alive.contains) ? [] : stopGroup(from: stage, code: code)
        case .over: return []
        }
    }

    /// Somebody wants it to end. Who asks again while it ends gets it at once.
    mutating func stopRequested() -> [Action] {
        switch state {
        case .starting, .running: return stop(code: 0, saying: "stopping; once more kills")
        case .stopping: return [.complain("killing what is left")] + killAll()
        case .over: return []
        }
    }

    /// A group had its time to end.
    mutating func deadlinePassed(stage: Int) -> [Action] {
        guard case .stopping(stage, _) = state else { return [] }
        let late = groups[stage].filter(alive.contains)
        let names = late.map(\.description).joined(separator: ", ")
        return [.complain("\(names) did not end in time; killed"), .kill(late)]
    }

    private mutating func start(_ roles: [Role]) -> [Action] {
        alive.formUnion(roles)
        return [.start(roles)]
    }

    private mutating func stop(code: Int32, saying text: String?) -> [Action] {
        var actions = text.map { [Action.complain($0)] } ?? []
        switch state {
        case .starting, .running: actions += stopGroup(from: 0, code: code)
        case .stopping, .over: break
        }
        return actions
    }

    private mutating func stopGroup(from first: Int, code: Int32) -> [Action] {
        for stage in first..<groups.count {
            let roles = groups[stage].filter(alive.contains)
            guard !roles.isEmpty else { continue }
            state = .stopping(stage: stage, code: code)
            return [.terminate(roles, stage: stage, within: Self.patience[stage])]
        }
        state = .over
        return [.exit(code)]
    }

    private func killAll() -> [Action] { [.kill(groups.joined().filter(alive.contains))] }
}
