/// How far one client has come in one room: which number has to come next.
struct ReaderProgress: Sendable, Equatable {
    private enum State: Equatable {
        /// Not in the room: what comes is not looked at. Exits: joining.
        case away
        /// A join is under way. Exits: reading, away.
        case joining(JoinWish)
        /// In the room. Exits: away.
        case reading
    }

    /// What a message was to this reader.
    enum Outcome: Equatable {
        /// The one that had to come, or one of nobody who reads.
        case fits
        /// These were skipped without a word.
        case hole(ClosedRange<UInt64>)
        /// These are said to be gone.
        case lost(ClosedRange<UInt64>)
        /// It came before.
        case repeated
        /// Redis is said to have lost writes.
        case rewound
        /// The epoch changed without a word.
        case silentRewind(from: UInt64, to: UInt64)
        /// A notice of loss with figures that fit neither each other nor this reader.
        case inexact(expected: UInt64)
    }

    private var state = State.away
    /// The number that has to come next; nil where any may.
    private(set) var next: UInt64?
    /// Whether the next message may skip numbers, because the join said that some are gone.
    private var mayJump = false
    private var epoch: UInt64 = 0
    /// Since when, in ms of the run, it reads without a pause.
    private(set) var readsSince: UInt32 = 0

    /// Whether it is in the room.
    var isReading: Bool { state == .reading }

    mutating func joinAsked(_ wish: JoinWish) {
        state = .joining(wish)
        mayJump = false
    }

    mutating func joinFailed() { state = .away }

    mutating func left() { state = .away }

    mutating func resumed(at now: UInt32) { readsSince = now }

    mutating func joined(_ answer: JoinedFact, at now: UInt32) -> Outcome {
        guard case .joining(let wish) = state else { return .fits }
        state = .reading
        readsSince = now
        let before = epoch
        epoch = answer.epoch
        let isAll = answer.count == 0 && !answer.more
        switch wish {
        case .history:
            next = isAll ? answer.seq + 1 : nil
            return .fits
        case .since(let place, let asked):
            guard !answer.isRewound else {
                next = isAll ? answer.seq + 1 : nil
                return .rewound
            }
            next = place.seq + 1
            if answer.isRecovered, asked != answer.epoch { return .silentRewind(from: before, to: answer.epoch) }
            mayJump = !answer.isRecovered
            guard isAll, answer.seq > place.seq else { return .fits }
            // Nothing comes although something was said since.
            next = answer.seq + 1
            let gone = place.seq + 1...answer.seq
            return mayJump ? .lost(gone) : .hole(gone)
        }
    }

    mutating func heard(_ seq: UInt64) -> Outcome {
        guard state == .reading else { return .fits }
        guard let expected = next else {
            next = seq + 1
            return .fits
        }
        guard seq >= expected else { return .repeated }
        next = seq + 1
        defer { mayJump = false }
        guard seq > expected else { return .fits }
        return mayJump ? .lost(expected...seq - 1) : .hole(expected...seq - 1)
    }

    mutating func lagged(from: UInt64, to: UInt64, count: UInt64) -> Outcome {
        guard state == .reading else { return .fits }
        guard to >= from, count == to - from + 1, from == next ?? from else {
            let expected = next ?? from
            next = to &+ 1
            return .inexact(expected: expected)
        }
        next = to + 1
        return .lost(from...to)
    }

    mutating func rewound(_ notice: RewoundFact) -> Outcome {
        guard state == .reading else { return .fits }
        epoch = notice.epoch
        let expected = next
        next = nil
        if let expected, notice.from != expected - 1 { return .inexact(expected: expected - 1) }
        return .rewound
    }
}
