import DequeModule
import RelayCore

/// Messages on their way to the relay, until it has acknowledged or refused each of them.
///
/// One message of a room is under way at a time, so that a refusal or a lost connection cannot change their order;
/// rooms do not wait for one another. The same nonce goes out with every try, so that a message whose acknowledgement
/// was lost is not stored twice.
struct Outbox {
    /// What to do with a refusal.
    enum RefusalAction: Equatable {
        /// It goes out again at that moment.
        case retry(at: Moment)
        /// Its sender has to be told.
        case fail(Nonce, Refusal)
        /// It is not one of ours.
        case none
    }

    private struct Entry {
        let utterance: Utterance
        let nonce: Nonce
        let expiry: Moment
    }

    private enum Head {
        /// Goes out as soon as it may. Exits: underWay.
        case waiting(until: Moment?)
        /// Exits: waiting, or away with the message.
        case underWay
    }

    private struct Lane {
        var entries: Deque<Entry> = []
        var head = Head.waiting(until: nil)
        /// Since when the head is the head, as a running number over all lanes: the one that waited longest goes first.
        var turn: UInt64
    }

    private let capacity: Int
    private var lanes: [RoomID: Lane] = [:]
    private var rooms: [Nonce: RoomID] = [:]
    private var turns: UInt64 = 0
    /// What the relay allows; nil before it has said so.
    private var pace: TokenBucket?

    /// An outbox for that many messages of all rooms.
    init(capacity: Int) {
        self.capacity = capacity
    }

    /// How many messages wait.
    var count: Int { rooms.count }

    /// When to call `timePassed` and `due` again; nil where nothing waits for a moment.
    var deadline: Moment? {
        var earliest: Moment?
        for lane in lanes.values {
            if let expiry = lane.entries.first?.expiry { earliest = min(earliest ?? expiry, expiry) }
            if case .waiting(let until?) = lane.head { earliest = min(earliest ?? until, until) }
        }
        return earliest
    }

    /// Somebody wants to send. The utterance has a nonce.
    mutating func added(_ utterance: Utterance, nonce: Nonce, expiry: Moment) throws(RelayClientError) {
        guard rooms.count < capacity else { throw .outboxFull }
        guard rooms[nonce] == nil else { throw .nonceInUse(nonce) }
        rooms[nonce] = utterance.room
        var lane = lanes[utterance.room] ?? Lane(turn: nextTurn())
        lane.entries.append(Entry(utterance: utterance, nonce: nonce, expiry: expiry))
        lanes[utterance.room] = lane
    }

    private mutating func nextTurn() -> UInt64 {
        turns += 1
        return turns
    }

    /// The relay has said how much it allows. A little less goes out: who is refused again and again is a flood.
    mutating func welcomed(_ limits: Limits) {
        pace = TokenBucket(ratePerSecond: limits.ratePerSecond * 19 / 20, burst: max(1, limits.burst - 2))
    }

    /// Something else went out that counts against the rate.
    mutating func charged(cost: Int, now: Moment) {
        pace?.owe(cost: cost, now: now)
    }

    /// A `join` with `since` has brought so many messages, and all there were: the relay takes no more for it.
    mutating func rejoined(bringing count: Int) {
        pace?.giveBack(cost: max(0, ClientCommand.sinceCost - count / 50))
    }

    /// The messages that are to go out now; they are under way from here on.
    mutating func due(now: Moment) -> [Utterance] {
        var utterances: [Utterance] = []
        // What the relay allows is for all rooms: one with much to say leaves the others theirs.
        for (room, lane) in lanes.sorted(by: { $0.value.turn < $1.value.turn }) {
            guard case .waiting(let until) = lane.head, until.map({ $0 <= now }) ?? true, let first = lane.entries.first
            else { continue }
            if let wait = pace?.take(cost: ClientCommand.send(first.utterance).cost, now: now) {
                lanes[room]?.head = .waiting(until: now + wait)
                continue
            }
            lanes[room]?.head = .underWay
            utterances.append(first.utterance)
        }
        return utterances
    }

    /// The relay has the message, or it is out of the question: it goes. False where it was not here.
    mutating func settled(_ nonce: Nonce) -> Bool {
        guard let room = rooms.removeValue(forKey: nonce), var lane = lanes[room] else { return false }
        if lane.entries.first?.nonce == nonce { (lane.head, lane.turn) = (.waiting(until: nil), nextTurn()) }
        lane.entries.removeAll { $0.nonce == nonce }
        lanes[room] = lane.entries.isEmpty ? nil : lane
        return true
    }

    /// The relay refused the message. What may be otherwise a moment later is tried again.
    mutating func refused(_ nonce: Nonce, _ refusal: Refusal, now: Moment) -> RefusalAction {
        guard let room = rooms[nonce] else { return .none }
        guard refusal.isPassing else {
            _ = settled(nonce)
            return .fail(nonce, refusal)
        }
        let moment = now + max(.milliseconds(20), refusal.retryAfter ?? .milliseconds(500))
        lanes[room]?.head = .waiting(until: moment)
        return .retry(at: moment)
    }

    /// The connection is gone: whatever was under way goes out again on the next one.
    mutating func disconnected() {
        for room in lanes.keys { lanes[room]?.head = .waiting(until: nil) }
    }

    /// Time went by: the messages that were tried for long enough go.
    mutating func timePassed(now: Moment) -> [Nonce] {
        let expired = lanes.values.flatMap { lane in lane.entries.filter { $0.expiry <= now }.map(\.nonce) }
        for nonce in expired { _ = settled(nonce) }
        return expired
    }

    /// The client ends: everything goes.
    mutating func emptied() -> [Nonce] {
        defer {
            lanes = [:]
            rooms = [:]
        }
        return Array(rooms.keys)
    }
}
