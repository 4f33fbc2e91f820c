import RelayCore
import RelayTestKit

/// What one reader was given, checked against what it was promised: every message above its starting point, in order,
/// once, but for what it was told is gone.
struct SimulatedReader {
    enum State: Equatable {
        /// Asked, and has no answer yet; whether this is a join, and not a page.
        case waiting(ticket: Int, isJoin: Bool)
        /// A member: is given what is new.
        case live
        /// Fell behind, or was given a page that is not the last: has to ask on.
        case behind
        /// Left, but may come back and recover.
        case away
    }

    var state = State.away
    /// The point from which it asked.
    var point = JoinPoint.history(limit: 50)
    /// Where it stands.
    private(set) var cursor: ReadCursor?
    /// The epoch that its last answer named.
    private(set) var epoch: UInt64?
    /// How often it knows the room to have been rewound.
    private var rewinds: UInt64 = 0
    private(set) var violations: [String] = []
    private var received: Set<MessageID> = []
    /// Everything above this id has to come.
    private var start = MessageID.zero
    private var next: UInt64?

    mutating func take(_ frame: StoredFrame, truth: Truth) {
        if let next, frame.seq != next { complain("was given \(frame.seq) where \(next) was due") }
        if let last = cursor?.id, frame.id <= last { complain("was given \(frame.id) after \(last)") }
        if !received.insert(frame.id).inserted { complain("was given \(frame.seq) twice") }
        if truth.frames[frame.id] != frame { complain("was given \(frame.seq), which nobody said") }
        next = frame.seq + 1
        cursor = ReadCursor(id: frame.id, seq: frame.seq, rewinds: rewinds)
    }

    /// These numbers are said to be gone.
    mutating func lose(_ numbers: ClosedRange<UInt64>, truth: Truth, stream: ModelStream) {
        if let next, numbers.lowerBound != next { complain("was told that \(numbers) are lost where \(next) was due") }
        // Where Redis lost writes, it may have given these numbers again since it was asked.
        if !truth.wasLost,
            let held = stream.entries.first(where: { numbers.contains($0.seq) && !received.contains($0.id) })
        {
            complain("was told that \(held.seq) is lost, which is still there")
        }
        next = numbers.upperBound + 1
        cursor = ReadCursor(id: cursor?.id ?? .zero, seq: numbers.upperBound, rewinds: rewinds)
    }

    mutating func rewind(to epoch: UInt64) {
        next = nil
        self.epoch = epoch
        rewinds += 1
        cursor = ReadCursor(id: .zero, seq: nil, rewinds: rewinds)
    }

    mutating func take(_ recovery: Recovery, isJoin: Bool, truth: Truth, stream: ModelStream) {
        epoch = recovery.standing.epoch
        rewinds = recovery.cursor.rewinds
        if isJoin { begin(recovery) }
        switch recovery.shortfall {
        case .rewound:
            next = nil
            if recovery.frames.isEmpty {
                // Its past is another one: it begins anew, with what the stream holds.
                received.removeAll()
                start = recovery.cursor.id
                cursor = nil
            } else {
                cursor = nil
            }
        case .trimmed:
            if recovery.missed == nil { next = nil }
        case nil: break
        }
        if !truth.wasLost, !truth.isHoled, isJoin, recovery.shortfall == .trimmed, stream.entries.first?.seq == 1 {
            complain("is said to lack something by \(point), though everything is there")
        }
        if let missed = recovery.missed { lose(missed, truth: truth, stream: stream) }
        for frame in recovery.frames {
            // History shows what there is: a hole in it is one that Redis has.
            if isJoin, case .history = point, let next, frame.seq > next {
                lose(next...frame.seq - 1, truth: truth, stream: stream)
            }
            take(frame, truth: truth)
        }
        if recovery.frames.count > Limits.pageMessagesMax { complain("was given \(recovery.frames.count) at once") }
        if !truth.wasLost, !truth.isShort, isJoin, case .history(let limit) = point, recovery.frames.count < limit,
            let oldest = stream.entries.first, let first = recovery.frames.first, oldest.id < first.id
        {
            complain("was given \(recovery.frames.count) of \(limit), though there are older ones")
        }
        if recovery.isLive, recovery.shortfall != .rewound, let next, next != recovery.standing.lastSeq + 1 {
            complain("is said to be live at \(recovery.standing.lastSeq), but \(next) is due")
        }
        if recovery.isLive { next = recovery.standing.lastSeq + 1 }
        cursor = recovery.cursor
        state = recovery.isLive ? .live : .behind
    }

    private mutating func begin(_ recovery: Recovery) {
        next = nil
        received.removeAll()
        cursor = nil
        switch point {
        case .history:
            // It begins right below the first that it was given.
            start = recovery.frames.first.map(Self.below) ?? recovery.cursor.id
        case .since(let id, _): start = id
        case .cursor(let cursor): start = cursor.id
        }
    }

    private static func below(_ frame: StoredFrame) -> MessageID {
        frame.id.sequence > 0
            ? MessageID(milliseconds: frame.id.milliseconds, sequence: frame.id.sequence - 1)
            : MessageID(milliseconds: frame.id.milliseconds - 1, sequence: .max)
    }

    /// At the end, when all is quiet: it stands where the stream stands, and lacks nothing that the stream still has.
    mutating func finish(truth: Truth, stream: ModelStream) {
        guard state == .live else { return complain("never came to be live: \(state)") }
        if let next, next != stream.lastSeq + 1 { complain("ends at \(next - 1), the stream at \(stream.lastSeq)") }
        // Where Redis lost writes, it was told so; it may lack what was said before the feed noticed.
        if !truth.wasLost, let missing = stream.entries.first(where: { $0.id > start && !received.contains($0.id) }) {
            complain("never was given \(missing.seq) (\(missing.id)), which is above \(start) and still there")
        }
    }

    mutating func complain(_ what: String) {
        violations.append(what)
    }
}

/// Everything that was ever said, by id.
struct Truth {
    private(set) var frames: [MessageID: StoredFrame] = [:]
    private(set) var highest = MessageID.zero
    /// Whether Redis lost any of it but by trimming.
    var wasLost = false
    /// Whether an archive was late: whoever wants the newest may have been given fewer than there are.
    var isShort = false
    /// Whether edges put back some of what Redis lost, and the rest is gone for good.
    var isHoled = false

    mutating func add(_ frame: StoredFrame) {
        frames[frame.id] = frame
        highest = max(highest, frame.id)
    }
}
