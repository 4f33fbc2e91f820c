internal import DequeModule
internal import RelayCore

/// Drafts on their way into the rooms: one call a room at a time, in the order in which they came.
///
/// A room is here while anything of it waits or is under way:
/// - *collecting*: drafts wait for the end of the tick, or a little longer for others (`PostPace`). Exit: calling.
/// - *calling*: Redis has a call; drafts that come meanwhile are the next. Exits: collecting, holding, gone.
/// - *holding*: a call whose outcome nobody knows waits for the connection. Exits: calling, gone.
///
/// Beside that a room may be *restored*: what Redis lost of it is being put back, and no call is made meanwhile, since
/// it would take the places. And it may be *made*: it is not there, and comes into being for what a held call says;
/// what came later does not overtake that. Nobody waits for either longer than for a call.
///
/// A call is tried again before anything newer, and of it only the drafts with a nonce: either all of the call was
/// stored, then their nonces say so, or nothing was. Drafts without a nonce are refused instead.
struct PostQueueStateMachine<Token> {
    typealias Outcome = Result<PostReceipt, Refusal>

    /// A draft and who waits for its outcome. A class, since it changes hands eight times on its way, and a draft is
    /// nine strings: to copy one is to count each of them.
    final class Pending {
        let draft: MessageDraft
        let token: Token

        init(draft: MessageDraft, token: Token) {
            self.draft = draft
            self.token = token
        }
    }

    /// One call of the posting script.
    struct Call {
        let room: RoomID
        var posts: [Pending]
        /// When its first try is over, answered or not.
        let deadline: Moment
        /// The highest place that the room is known to have reached; nil where nothing is known.
        var known: PostPosition?
        /// How often it found that writes were lost.
        var rewinds = 0
        /// Whether it asks for what was lost to be put back first. Not for ever, so that it comes to an end.
        var isGuarded: Bool { rewinds < PostQueueStateMachine.rewindsMax }
        /// Whether the room was made for it already: found missing again, it is missing.
        var hasRoomMade = false
        /// Whether a first try of it may have been executed: then a duplicate is this edge's own post.
        var isRepeated = false
    }

    /// Why a call has no reply.
    enum CallFailure: Equatable {
        /// It may have been executed.
        case unknownOutcome
        /// It was not, for this reason.
        case refused(Refusal)
        /// It was not, because Redis lost writes: the room is restored first.
        case rewound
    }

    /// What a request leads to.
    enum RequestAction {
        /// It waits.
        case none
        /// It waits for the end of this tick, which has to be told.
        case scheduleTick
        /// It waits for others until then, when the end of the wait has to be told.
        case waitForMore(until: Moment)
        case refuse(Token, Refusal)
    }

    /// Whose wait is over, and which calls are to be made, in this order.
    struct Orders {
        var settled: [(token: Token, outcome: Outcome)] = []
        var calls: [Call] = []
    }

    /// Who says when what was gathered leaves.
    private enum Gathering: Equatable {
        case none
        case tick
        case timer(Moment)
    }

    fileprivate struct Room {
        var waiting: Deque<Pending> = []
        var isCalling = false
        var held: Call?
        var isRestored = false
        var isMade = false
        /// Since when drafts wait for the room to be restored or made.
        var waitsSince: Moment?
        /// Whether what waits here waits for more than to leave.
        var isBlocked: Bool { isCalling || held != nil || isRestored || isMade }
        var isIdle: Bool { waiting.isEmpty && !isCalling && held == nil && !isRestored && !isMade }

        /// Whether there is room for one more, who then waits.
        mutating func wait(_ pending: Pending, _ waitingMax: Int) -> Bool {
            guard waiting.count < waitingMax else { return false }
            waiting.append(pending)
            return true
        }
    }

    /// Rewinds that one call waits for; where the room cannot be restored it goes on all the same.
    private static var rewindsMax: Int { 3 }

    private let waitingMax: Int
    private let waitingInAllMax: Int
    private let postsPerCallMax: Int
    private let callDeadline: Duration

    private typealias Rooms = [RoomID: Room]

    private var rooms: Rooms = [:]
    private var dirty: [RoomID] = []
    private var gathering = Gathering.none
    private var pace: PostPace
    private var inFlightCount = 0
    /// Drafts that wait for nothing but to leave.
    private var gatheredCount = 0
    private var isConnected = false
    private var waitingCount = 0
    private var positions = PostPositions()

    /// A queue without a connection. The bounds are those of `Limits` but in tests.
    ///
    /// - `waitingMax`: drafts that wait for one room; a further one is `unavailable`.
    /// - `waitingInAllMax`: drafts that wait for all rooms together; a further one is `unavailable`.
    /// - `gatherSpan`: how long posts that come one upon the other may wait for more; zero for not at all.
    init(
        waitingMax: Int = Limits.waitingPostsMax, waitingInAllMax: Int = 16 * Limits.waitingPostsMax,
        postsPerCallMax: Int = Limits.postsPerCallMax, callDeadline: Duration = Limits.postDeadline,
        gatherSpan: Duration = .zero
    ) {
        pace = PostPace(span: gatherSpan)
        self.waitingMax = waitingMax
        self.waitingInAllMax = waitingInAllMax
        self.postsPerCallMax = postsPerCallMax
        self.callDeadline = callDeadline
    }

    /// Drafts that wait for a call.
    var waiting: Int { waitingCount }

    /// When to call `timePassed`, at the latest; nil while no call is held and nobody waits for a room.
    /// It may come before anything is due: it is asked after every reply, and is not worth a look at every room.
    private(set) var nextDeadline: Moment?

    /// Somebody wants to post.
    mutating func postRequested(_ draft: MessageDraft, token: Token, now: Moment) -> RequestAction {
        guard isConnected, waitingCount < waitingInAllMax else { return .refuse(token, .unavailable) }
        let pending = Pending(draft: draft, token: token)
        guard rooms[draft.room, default: Room()].wait(pending, waitingMax) else { return .refuse(token, .unavailable) }
        waitingCount += 1
        dirty.append(draft.room)
        let isFree = rooms[draft.room]?.isBlocked == false
        if isFree { gatheredCount += 1 }
        let deadline = isFree ? pace.deadline(now: now, waiting: gatheredCount, inFlight: inFlightCount) : nil
        switch (gathering, deadline) {
        case (.tick, _), (.timer, .some): return .none
        case (.timer, nil) where !isFree: return .none
        case (.none, .some(let deadline)):
            gathering = .timer(deadline)
            return .waitForMore(until: deadline)
        case (.none, nil), (.timer, nil):
            gathering = .tick
            return .scheduleTick
        }
    }

    /// The wait of drafts for others is over. One that was overtaken by the end of a tick is nobody's any more.
    mutating func waitEnded(_ deadline: Moment, now: Moment) -> Orders {
        guard gathering == .timer(deadline) else { return Orders() }
        pace.waitEnded(present: gatheredCount + inFlightCount)
        return tickEnded(now: now)
    }

    /// The tick in which drafts came is over.
    mutating func tickEnded(now: Moment) -> Orders {
        gathering = .none
        gatheredCount = 0
        var orders = Orders()
        let touched = dirty
        dirty = []
        for room in touched {
            if let call = nextCall(of: room, now: now) { orders.calls.append(call) }
        }
        if !orders.calls.isEmpty { pace.left(now: now) }
        return orders
    }

    /// Redis answered a call: one outcome for each of its drafts.
    mutating func callAnswered(_ call: Call, reply: PostReply, now: Moment) -> Orders {
        var orders = Orders()
        callEnded(call)
        positions.replyReceived(reply, in: call.room)
        for (post, outcome) in zip(call.posts, reply.outcomes) { orders.settled.append((post.token, outcome)) }
        goOn(call.room, now: now, &orders)
        return orders
    }

    /// A call came to nothing.
    mutating func callFailed(_ call: Call, _ failure: CallFailure, now: Moment) -> Orders {
        var orders = Orders()
        callEnded(call)
        switch failure {
        case .refused(let refusal):
            orders.settled = call.posts.map { ($0.token, .failure(refusal)) }
        case .unknownOutcome:
            var again = call
            again.posts = call.posts.filter { $0.draft.nonce != nil && now < call.deadline }
            let isRepeated = !again.posts.isEmpty
            again.isRepeated = true
            for post in call.posts where !isRepeated || post.draft.nonce == nil {
                orders.settled.append((post.token, .failure(.unavailable)))
            }
            if isRepeated { hold(again) }
        case .rewound:
            var again = call
            again.rewinds += 1
            hold(again)
        }
        goOn(call.room, now: now, &orders)
        return orders
    }

    private mutating func callEnded(_ call: Call) {
        rooms[call.room]?.isCalling = false
        inFlightCount -= call.posts.count
    }

    private mutating func hold(_ call: Call) {
        rooms[call.room, default: Room()].held = call
        note(call.deadline)
    }

    private mutating func note(_ deadline: Moment) { nextDeadline = min(nextDeadline ?? deadline, deadline) }

    /// The room is restored, or made, for too long.
    private mutating func giveUpWaiting(_ room: RoomID) -> [(token: Token, outcome: Outcome)] {
        let posts = rooms[room]?.waiting ?? []
        rooms[room]?.waiting.removeAll()
        rooms[room]?.waitsSince = nil
        waitingCount -= posts.count
        return posts.map { ($0.token, .failure(.unavailable)) }
    }

    // MARK: Putting back what was lost

    /// The highest place that the room is known to have reached; nil where nothing is known.
    func position(of room: RoomID) -> PostPosition? { positions[room] }

    /// The room is being restored: its calls wait.
    mutating func restoreBegan(_ room: RoomID) {
        rooms[room, default: Room()].isRestored = true
    }

    /// The room could not be restored yet: whoever waits is refused.
    mutating func restoreFailed(_ room: RoomID) -> Orders {
        var orders = Orders()
        guard var state = rooms[room], state.isRestored else { return orders }
        for post in (state.held?.posts ?? []) + state.waiting {
            orders.settled.append((post.token, .failure(.unavailable)))
        }
        waitingCount -= state.waiting.count
        state.waiting = []
        state.waitsSince = nil
        state.held = nil
        rooms[room] = state
        return orders
    }

    /// The room is restored, or cannot be; what waits goes on, from there where that is known.
    mutating func restoreEnded(_ room: RoomID, at position: PostPosition?, now: Moment) -> Orders {
        var orders = Orders()
        if let position { positions.told(position, in: room) }
        rooms[room]?.isRestored = false
        goOn(room, now: now, &orders)
        return orders
    }

    // MARK: Making a room that is not there

    /// A call found no room: its drafts wait until the room is made for the first that founds one. That is the founder;
    /// nil where no draft is one.
    mutating func roomMissed(_ call: Call, now: Moment) -> (orders: Orders, founder: MessageDraft?) {
        var orders = Orders()
        callEnded(call)
        let first = call.posts.firstIndex(where: \.draft.isFounding) ?? call.posts.endIndex
        orders.settled = call.posts[..<first].map { ($0.token, .failure(.noSuchRoom)) }
        var again = call
        again.posts.removeFirst(first)
        if !again.posts.isEmpty {
            hold(again)
            rooms[call.room]?.isMade = true
        }
        goOn(call.room, now: now, &orders)
        return (orders, again.posts.first?.draft)
    }

    /// The room was made for this user, or was not: then nothing is said by them, and others may found it.
    mutating func roomMade(_ room: RoomID, for user: UserID, refusal: Refusal?, now: Moment) -> Orders {
        var orders = Orders()
        guard rooms[room]?.isMade == true else { return orders }
        rooms[room]?.isMade = false
        if var held = rooms[room]?.held {
            held.hasRoomMade = refusal == nil
            if let refusal {
                let isRefused = { (post: Pending) in post.draft.user == user }
                orders.settled = held.posts.filter(isRefused).map { ($0.token, .failure(refusal)) }
                held.posts.removeAll(where: isRefused)
            }
            rooms[room]?.held = held.posts.isEmpty ? nil : held
        }
        goOn(room, now: now, &orders)
        return orders
    }

    /// The connection stands: held calls go first.
    mutating func connected(now: Moment) -> Orders {
        isConnected = true
        var orders = timePassed(now: now)
        for room in rooms.keys where rooms[room]?.held != nil {
            if let call = nextCall(of: room, now: now) { orders.calls.append(call) }
        }
        return orders
    }

    /// The connection is gone: what waits is refused. Calls under way are told of one by one.
    mutating func disconnected() -> Orders {
        isConnected = false
        var orders = Orders()
        for room in Array(rooms.keys) {
            for post in rooms[room]?.waiting ?? [] { orders.settled.append((post.token, .failure(.unavailable))) }
            rooms[room]?.waiting.removeAll()
            rooms[room]?.waitsSince = nil
            rooms[room]?.isRestored = false
            rooms[room]?.isMade = false
            forget(room)
        }
        waitingCount = 0
        return orders
    }

    /// Time went by: held calls that are too old are given up, and so is the wait for a room.
    mutating func timePassed(now: Moment) -> Orders {
        var orders = Orders()
        guard let deadline = nextDeadline, now >= deadline else { return orders }
        nextDeadline = nil
        for room in Array(rooms.keys) {
            if let since = rooms[room]?.waitsSince {
                if now >= since + callDeadline {
                    orders.settled += giveUpWaiting(room)
                } else {
                    note(since + callDeadline)
                }
            }
            guard let held = rooms[room]?.held else { continue }
            guard now >= held.deadline else {
                note(held.deadline)
                continue
            }
            rooms[room]?.held = nil
            orders.settled += held.posts.map { ($0.token, .failure(.unavailable)) }
            goOn(room, now: now, &orders)
        }
        return orders
    }

    private mutating func goOn(_ room: RoomID, now: Moment, _ orders: inout Orders) {
        guard let index = rooms.index(forKey: room) else { return }
        if let call = nextCall(of: room, at: index, now: now) {
            orders.calls.append(call)
        } else if rooms.values[index].isIdle {
            rooms.remove(at: index)
        }
    }

    private mutating func nextCall(of room: RoomID, now: Moment) -> Call? {
        rooms.index(forKey: room).flatMap { nextCall(of: room, at: $0, now: now) }
    }

    /// The room is looked up once: a look-up is some 340 instructions.
    private mutating func nextCall(of room: RoomID, at index: Rooms.Index, now: Moment) -> Call? {
        guard isConnected else { return nil }
        switch rooms.values[index].next(postsMax: postsPerCallMax, now: now) {
        case .nothing: return nil
        case .wait:
            note(now + callDeadline)
            return nil
        case .again(var call):
            call.known = positions[room]
            inFlightCount += call.posts.count
            return call
        case .call(let posts):
            waitingCount -= posts.count
            inFlightCount += posts.count
            return Call(room: room, posts: posts, deadline: now + callDeadline, known: positions[room])
        }
    }

    private mutating func forget(_ room: RoomID) {
        if rooms[room]?.isIdle == true { rooms[room] = nil }
    }
}

extension PostQueueStateMachine.Room {
    /// What becomes of a room that may have something to call for.
    enum Next {
        case nothing
        /// From now on its drafts wait for it to be restored or made.
        case wait
        /// The call that was held.
        case again(PostQueueStateMachine.Call)
        /// A call for these.
        case call([PostQueueStateMachine.Pending])
    }

    /// Takes what it calls for next.
    mutating func next(postsMax: Int, now: Moment) -> Next {
        guard !isCalling else { return .nothing }
        guard !isRestored, !isMade else {
            guard !waiting.isEmpty, waitsSince == nil else { return .nothing }
            waitsSince = now
            return .wait
        }
        if let call = held.take() {
            (waitsSince, isCalling) = (nil, true)
            return .again(call)
        }
        let count = min(waiting.count, postsMax)
        guard count > 0 else { return .nothing }
        let posts = Array(waiting.prefix(count))
        waiting.removeFirst(count)
        (waitsSince, isCalling) = (nil, true)
        return .call(posts)
    }
}
