internal import RelayCore

/// What this edge posted, and how it puts back what Redis lost of it: one conversation a room.
///
/// A room is here while it is looked after:
/// - *look*: is its newest message there? Where it is, so are all before it. Exits: gone, stage.
/// - *stage*: what the edge has goes into Redis, beside the room: messages, and what the room is. Exits: settle, look
///   where Redis loses it meanwhile.
/// - *settle*: asked again and again until all edges had their time and everything is put back. Exits: ask, gone, look
///   where Redis loses it meanwhile.
/// - *ask*: where did it come to stand? Exits: gone, look where something is missing again.
/// - *paused*: before another try. Exits: look, settle.
///
/// A lost connection ends all of them; with the next one they begin anew, which is harmless at each step.
struct RestoreStateMachine {
    /// One call of `restore.lua`.
    struct Call {
        let room: RoomID
        let step: RestoreStep
        let known: PostPosition?
        /// Where the room's members were.
        let heard: RoomStanding?
        /// What the room is; nil where this edge does not know it.
        let nature: RoomNature?
        /// In what it staged messages before; empty where it did not.
        let lot: String
        let messages: [PostLedger.Entry]
    }

    /// Why a call has no reply.
    enum CallFailure {
        /// It may be otherwise in a while.
        case passing
        /// Redis will never take it.
        case lasting
    }

    /// What was done in a room that lost something.
    struct Outcome: Equatable {
        /// Messages that were put back, in their places or in others.
        var restored = 0
        /// Of these, in others.
        var moved = 0
    }

    /// How it ended in one room.
    struct End {
        let room: RoomID
        /// Where it stands; nil where that is not known.
        let position: PostPosition?
        /// What was done for this edge; nil where it had lost nothing.
        let outcome: Outcome?
        /// Whether edges put something back, this one or others for which it waited.
        let isSettled: Bool
    }

    /// What to do now.
    struct Orders {
        var calls: [Call] = []
        /// Rooms that are done with.
        var ended: [End] = []
        /// Rooms that could not be looked after now.
        var failed: [RoomID] = []
        /// Whether writes were lost, as far as one room tells: others are worth a look.
        var isWidespread = false
    }

    private struct Room {
        var known: PostPosition?
        let heard: RoomStanding?
        let nature: RoomNature?
        let isOrigin: Bool
        var step = RestoreStep.look
        /// The step without a message to look for: at least what the room is can be put back; and in any case there is
        /// to wait for others that have messages.
        var emptyHanded: RestoreStep { nature == nil ? .settle : .stage }
        /// What is still to be staged; then, what is still to be asked for.
        var waiting: ArraySlice<PostLedger.Entry> = []
        var staged: [PostLedger.Entry] = []
        var lot = ""
        var outcome: Outcome?
        var position: PostPosition?
        var wake: Moment?
        var tries = 0
        /// How often what was staged was lost before it was put back.
        var lotsLost = 0
        /// Whether there was something to wait for.
        var hasWaited = false

        /// What was staged is of no use any more.
        mutating func unstage() { (staged, lot) = ([], "") }
    }

    /// Messages of one call; a look at their places takes more of them.
    private static let staged = Limits.postsPerCallMax
    private static let asked = 512
    /// Looks at a room of which something is missing again and again.
    private static let triesMax = 3
    /// Lots that are lost one after the other. Each takes a loss of its own; but a Redis that says so for ever, because
    /// somebody writes in the room's keys, is left alone.
    private static let lotsLostMax = 16
    private static let settlePause: Duration = .milliseconds(100)
    private static let failurePause: Duration = .seconds(1)

    private(set) var ledger: PostLedger
    private var rooms: [RoomID: Room] = [:]

    /// A machine with nothing to look after.
    init(ledger: PostLedger = PostLedger()) {
        self.ledger = ledger
    }

    /// When to call `timePassed`; nil where nothing is paused. It may come before anything is due: it is asked after
    /// every reply, and is not worth a look at every room.
    private(set) var nextWake: Moment?

    /// Whether the room is being looked after.
    func isBusy(_ room: RoomID) -> Bool { rooms[room] != nil }

    /// The newest message of each room of which this edge could put something back at `now`.
    mutating func newest(now: Moment) -> [RoomID: PostLedger.Entry] {
        ledger.forget(now: now)
        return ledger.newest()
    }

    /// A receipt came for a message that this edge posted.
    mutating func stored(_ draft: MessageDraft, id: MessageID, seq: UInt64, now: Moment) {
        ledger.stored(draft, id: id, seq: seq, now: now)
    }

    /// Rooms may have lost something: which of them are worth a look, with what is known of each.
    ///
    /// - `isOrigin`: whether it is by itself that this room is looked at, and not because others lost something.
    mutating func begin(
        _ room: RoomID, newest: PostLedger.Entry?, known: PostPosition?, heard: RoomStanding?,
        nature: RoomNature? = nil, isOrigin: Bool
    ) -> Orders {
        guard rooms[room] == nil else { return Orders() }
        let state = Room(known: known, heard: heard, nature: nature, isOrigin: isOrigin)
        return Orders(calls: [look(room, state, newest: newest)])
    }

    /// Redis answered.
    mutating func answered(_ call: Call, _ reply: RestoreReply, now: Moment) -> Orders {
        guard var state = rooms[call.room], state.step == call.step, state.wake == nil else { return Orders() }
        var orders = Orders()
        state.position = reply.position ?? state.position
        guard !reply.isLotLost else { return lotLost(call.room, state, now: now) }
        switch call.step {
        case .look:
            guard reply.isOpen else { return ended(call.room, state) }
            orders.isWidespread = state.isOrigin && state.tries == 0
            ledger.forget(now: now)
            state.waiting = ledger.messages(of: call.room)[...]
            state.outcome = state.outcome ?? Outcome()
            state.step = .stage
        case .stage:
            for (entry, place) in zip(call.messages, reply.places) where place == .staged { state.staged.append(entry) }
            state.waiting = state.waiting.dropFirst(call.messages.count)
            state.lot = reply.lot
            if state.waiting.isEmpty { state.step = .settle }
        case .settle:
            if reply.isOpen {
                state.hasWaited = true
                pause(&state, until: now + Self.settlePause)
                rooms[call.room] = state
                return orders
            }
            guard !state.staged.isEmpty else { return ended(call.room, state) }
            state.waiting = state.staged[...]
            state.unstage()
            state.step = .ask
        case .ask:
            let isMissing = take(reply, of: call, &state)
            state.waiting = state.waiting.dropFirst(call.messages.count)
            if isMissing {
                state.tries += 1
                // Lost once more, and this time out of the epoch that the first time ended with.
                state.known = state.position ?? state.known
                guard state.tries < Self.triesMax else { return ended(call.room, state) }
                pause(&state, until: now + Self.settlePause)
                state.step = .look
                rooms[call.room] = state
                return orders
            }
            if state.waiting.isEmpty { return ended(call.room, state) }
        }
        rooms[call.room] = state
        orders.calls.append(next(call.room, state))
        return orders
    }

    /// A call came to nothing, by Redis's word. (Where the connection is lost, `disconnected` says so.)
    mutating func failed(_ call: Call, _ failure: CallFailure, now: Moment) -> Orders {
        guard var state = rooms[call.room], state.step == call.step, state.wake == nil else { return Orders() }
        switch failure {
        case .lasting: return ended(call.room, state)
        case .passing:
            state.step = .look
            state.unstage()
            pause(&state, until: now + Self.failurePause)
            rooms[call.room] = state
            return Orders(failed: [call.room])
        }
    }

    /// Time went by: what is paused goes on.
    mutating func timePassed(now: Moment) -> Orders {
        var orders = Orders()
        var newest: [RoomID: PostLedger.Entry]?
        nextWake = nil
        for (room, var state) in rooms {
            guard let wake = state.wake else { continue }
            guard wake <= now else {
                nextWake = min(nextWake ?? wake, wake)
                continue
            }
            state.wake = nil
            if state.step == .look {
                let all = newest ?? self.newest(now: now)
                newest = all
                orders.calls.append(look(room, state, newest: all[room]))
            } else {
                rooms[room] = state
                orders.calls.append(next(room, state))
            }
        }
        return orders
    }

    /// Redis lost what was staged: at once all over again, since the others' time has begun anew.
    private mutating func lotLost(_ room: RoomID, _ state: Room, now: Moment) -> Orders {
        var state = state
        state.lotsLost += 1
        state.unstage()
        state.step = .look
        guard state.lotsLost < Self.lotsLostMax else { return ended(room, state) }
        ledger.forget(now: now)
        return Orders(calls: [look(room, state, newest: ledger.newest(of: room))])
    }

    private mutating func look(_ room: RoomID, _ state: Room, newest: PostLedger.Entry?) -> Call {
        var state = state
        if newest == nil { state.step = state.emptyHanded }
        rooms[room] = state
        return call(room, state, messages: newest.map { [$0] } ?? [])
    }

    /// The connection is gone, and with it every conversation.
    mutating func disconnected() {
        rooms.removeAll()
        nextWake = nil
    }

    private mutating func pause(_ state: inout Room, until wake: Moment) {
        state.wake = wake
        nextWake = min(nextWake ?? wake, wake)
    }

    private mutating func ended(_ room: RoomID, _ state: Room) -> Orders {
        rooms[room] = nil
        // Who staged something may come too late to wait: another edge's question has put it back already.
        let isSettled = state.step == .ask || (state.step == .settle && (state.hasWaited || !state.lot.isEmpty))
        return Orders(
            ended: [End(room: room, position: state.position, outcome: state.outcome, isSettled: isSettled)])
    }

    /// Takes in where messages stand now; true where one is missing.
    private mutating func take(_ reply: RestoreReply, of call: Call, _ state: inout Room) -> Bool {
        var places: [MessageID: (id: MessageID, seq: UInt64)] = [:]
        var isMissing = false
        for (entry, place) in zip(call.messages, reply.places) {
            switch place {
            case .settled: state.outcome?.restored += 1
            case .moved(let id, let seq):
                places[entry.id] = (id, seq)
                state.outcome?.restored += 1
                state.outcome?.moved += 1
            case .missing, .staged: isMissing = true
            }
        }
        ledger.moved(places, in: call.room)
        return isMissing
    }

    private func next(_ room: RoomID, _ state: Room) -> Call {
        let countMax =
            switch state.step {
            case .stage: Self.staged
            case .ask: Self.asked
            case .look, .settle: 0
            }
        return call(room, state, messages: Array(state.waiting.prefix(countMax)))
    }

    private func call(_ room: RoomID, _ state: Room, messages: [PostLedger.Entry]) -> Call {
        Call(
            room: room, step: state.step, known: state.known, heard: state.heard, nature: state.nature,
            lot: state.lot, messages: messages)
    }
}
