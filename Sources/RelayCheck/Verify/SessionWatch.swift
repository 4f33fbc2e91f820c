/// Holds the ends of connections against what was done to the relay: a session stays open unless there is a reason.
struct SessionWatch: Sendable {
    private struct Session {
        var client: Int
        var edge: Int
        var stalledAt: UInt32?
    }

    /// How long after a pause or a fault, in ms, its consequences may show: a ping interval and its patience.
    private static let aftermath: UInt32 = 60_000

    private var sessions: [UInt32: Session] = [:]
    private var faultEnds: [Int: UInt32] = [:]
    private var draining: Set<Int> = []
    private let edges: Int

    init(edges: Int) {
        self.edges = edges
    }

    mutating func take(_ event: CheckEvent) -> [Violation] {
        switch event.fact {
        case .opened(let edge): sessions[event.session] = Session(client: event.client ?? -1, edge: edge)
        case .stalled, .resumed: sessions[event.session]?.stalledAt = event.at
        case .closed(let cause): return closed(cause, event)
        case .faultBegan(let fault, let target): faultBegan(fault, target)
        case .faultEnded(let fault, let target): faultEnded(fault, target, at: event.at)
        case .edgeEnded(let edge, let status) where status != 0:
            return [Violation(.drain, "Edge \(edge) ended with status \(status).", focus: Violation.Focus())]
        case .unanswered(let key):
            let text = "\(key) was not answered although the connection stood."
            return [Violation(.unanswered, text, focus: focus(event, [key]))]
        case .unreadable(let reason):
            return [Violation(.unreadable, "A frame that is none: \(reason)", focus: focus(event, []))]
        default: break
        }
        return []
    }

    private func focus(_ event: CheckEvent, _ keys: [SendKey]) -> Violation.Focus {
        Violation.Focus(room: event.room, client: event.client, keys: keys)
    }

    private func isAimedAtEdge(_ fault: Fault, _ target: Int) -> Bool {
        switch fault {
        case .restartEdge, .killEdge, .stop: target < edges
        default: false
        }
    }

    private mutating func faultBegan(_ fault: Fault, _ target: Int) {
        guard isAimedAtEdge(fault, target) else { return }
        if fault == .restartEdge { draining.insert(target) } else { faultEnds[target] = .max }
    }

    private mutating func faultEnded(_ fault: Fault, _ target: Int, at now: UInt32) {
        guard isAimedAtEdge(fault, target) else { return }
        if fault == .restartEdge { draining.remove(target) } else { faultEnds[target] = now }
    }

    private mutating func closed(_ cause: CloseCause, _ event: CheckEvent) -> [Violation] {
        guard let session = sessions.removeValue(forKey: event.session), cause != .own else { return [] }
        if let stalledAt = session.stalledAt, event.at - stalledAt < Self.aftermath { return [] }
        if let end = faultEnds[session.edge], end == .max || event.at - end < Self.aftermath { return [] }
        // Come back elsewhere, in good order: anybody may drain an edge at any time.
        if cause == .relay(code: 4000) { return [] }
        let how =
            switch cause {
            case .relay(let code): "was closed with \(code)"
            case .lost, .own: "was cut"
            }
        let isDrain = draining.contains(session.edge)
        let text =
            "A session of client \(session.client) on edge \(session.edge) \(how)\(isDrain ? " by a drain" : "")."
        return [Violation(isDrain ? .drain : .closed, text, focus: focus(event, []))]
    }
}
