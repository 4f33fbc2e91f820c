import RelayCore
import NIOConcurrencyHelpers

/// Where all that happens in a run comes together, in one order: it is recorded, and judged at once.
public final class CheckRecorder: Sendable {
    private struct State {
        var record = EventRecord()
        var verifier: Verifier
        var findings: [CheckReport.Finding] = []
        var counts: [CheckRule: Int] = [:]
    }

    /// Findings that are kept of each kind; the others are counted.
    private static let findingsPerRuleMax = 3

    private let state: NIOLockedValueBox<State>
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant

    /// A recorder of a run that begins now.
    public init(rooms: Int, edges: Int) {
        state = NIOLockedValueBox(State(verifier: Verifier(rooms: rooms, edges: edges)))
        start = clock.now
    }

    /// Milliseconds since the run began.
    public var now: UInt32 { UInt32(clamping: start.duration(to: clock.now).wholeMilliseconds) }

    /// Takes what happened just now.
    public func record(room: Int? = nil, client: Int? = nil, session: UInt32 = 0, _ fact: CheckFact) {
        state.withLockedValue { state in
            let event = CheckEvent(at: now, room: room, client: client, session: session, fact)
            state.record.append(event)
            let found = state.verifier.take(event)
            if !found.isEmpty { Self.note(found, in: &state) }
        }
    }

    /// How many messages a room has, by what was seen.
    public func messageCount(of room: Int) -> UInt64 { state.withLockedValue { $0.verifier.rooms[room].messageCount } }

    /// Whether all who are in the room have everything up to this number.
    public func isRead(room: Int, upTo seq: UInt64) -> Bool {
        state.withLockedValue { $0.verifier.rooms[room].isRead(upTo: seq) }
    }

    /// What was counted so far.
    public var tally: CheckTally {
        state.withLockedValue { state in
            var tally = state.verifier.tally
            tally.worstGap = state.verifier.worstGap
            return tally
        }
    }

    /// How many violations there are so far.
    public var violationCount: Int { state.withLockedValue { $0.counts.values.reduce(0, +) } }

    /// Looks at what is left open, and reports.
    public func conclude(_ setting: CheckReport.Setting, endings: [RoomVerifier.Ending]) -> CheckReport {
        state.withLockedValue { state in Self.note(state.verifier.conclude(endings), in: &state) }
        let tally = tally
        return state.withLockedValue { state in
            CheckReport(setting: setting, tally: tally, findings: state.findings, counts: state.counts)
        }
    }

    private static func note(_ found: [Violation], in state: inout State) {
        for violation in found {
            state.counts[violation.rule, default: 0] += 1
            guard state.counts[violation.rule, default: 0] <= findingsPerRuleMax else { continue }
            let history = state.record.history(of: violation.focus)
            state.findings.append(CheckReport.Finding(violation: violation, history: history))
        }
    }
}
