internal import NIOCore
internal import RedisClient
internal import RedisProtocol
internal import RelayCore

/// The shell of `RestoreStateMachine`: makes its calls, keeps its time, and says what came of it.
final class RoomRestorer {
    /// A room is done with; where it stands, where that is known, and whether something was put back.
    var onEnd: ((RoomID, PostPosition?, Bool) -> Void)?
    /// A room could not be looked after now.
    var onFailure: ((RoomID) -> Void)?
    /// A room lost writes: others may have.
    var onLoss: (() -> Void)?

    private let keys: KeySpace
    private let edge: EdgeID
    private let publishCommand: String
    private let posts: RedisCommander
    private let faults: StoreFaults
    private let list: RoomList
    private var machine = RestoreStateMachine()
    private var timer: Scheduled<Void>?
    /// When the timer goes off.
    private var timerWake: Moment?

    init(
        keys: KeySpace, edge: EdgeID, publishCommand: String, posts: RedisCommander, faults: StoreFaults,
        list: RoomList
    ) {
        self.keys = keys
        self.edge = edge
        self.publishCommand = publishCommand
        self.posts = posts
        self.faults = faults
        self.list = list
    }

    /// The newest message of each room of which this edge could put something back.
    func newest() -> [RoomID: PostLedger.Entry] { machine.newest(now: RedisClock.now) }

    /// The last message of a room that this edge posted, and could put back.
    func newest(of room: RoomID) -> PostLedger.Entry? { machine.ledger.newest(of: room) }

    /// Whether the room is being looked after.
    func isBusy(_ room: RoomID) -> Bool { machine.isBusy(room) }

    /// A receipt came for a message that this edge posted.
    func stored(_ draft: MessageDraft, _ receipt: PostReceipt, now: Moment) {
        machine.stored(draft, id: receipt.id, seq: receipt.seq, now: now)
    }

    /// A room is to be looked after; see `RestoreStateMachine.begin`.
    func begin(
        _ room: RoomID, newest: PostLedger.Entry?, known: PostPosition?, heard: RoomStanding?, nature: RoomNature?,
        isOrigin: Bool
    ) {
        obey(
            machine.begin(
                room, newest: newest, known: known, heard: heard, nature: nature, isOrigin: isOrigin))
    }

    /// The connection of the posts is gone.
    func disconnected() {
        machine.disconnected()
        armTimer()
    }

    private func obey(_ orders: RestoreStateMachine.Orders) {
        for call in orders.calls { make(call) }
        armTimer()
        for room in orders.failed { onFailure?(room) }
        for end in orders.ended {
            if let outcome = end.outcome { tell(outcome, in: end.room, end.position) }
            onEnd?(end.room, end.position, end.isSettled)
        }
        if orders.isWidespread { onLoss?() }
    }

    private func tell(_ outcome: RestoreStateMachine.Outcome, in room: RoomID, _ position: PostPosition?) {
        faults.restored(outcome.restored, moved: outcome.moved)
        if outcome.restored > 0, let position { list.restored(upTo: position.id, in: room, now: RedisClock.now) }
    }

    private func make(_ call: RestoreStateMachine.Call) {
        // A room is listed before anything of it is stored.
        if call.step == .stage { list.add(call.room) }
        let arguments = RestoreCall.arguments(call, edge: edge, publishCommand: publishCommand)
        posts.evaluate(
            Scripts.restore, keys: PostCall.keys(of: call.room, in: keys), arguments: arguments,
            deadline: Limits.postDeadline
        ) { [weak self] outcome in self?.ended(call, outcome) }
    }

    private func ended(_ call: RestoreStateMachine.Call, _ outcome: Result<RESPValue, RedisError>) {
        let now = RedisClock.now
        switch outcome {
        case .success(let value):
            if let reply = RestoreReply(value, step: call.step, count: call.messages.count) {
                obey(machine.answered(call, reply, now: now))
            } else {
                _ = faults.unreadableReply(doing: "putting back what was lost")
                obey(machine.failed(call, .lasting, now: now))
            }
        case .failure(let error):
            _ = faults.refusal(for: error, doing: "putting back what was lost")
            obey(machine.failed(call, Self.failure(error), now: now))
        }
    }

    /// What Redis refuses for want of a right, or does not understand, it will refuse again; a post need not wait.
    private static func failure(_ error: RedisError) -> RestoreStateMachine.CallFailure {
        switch error.kind {
        case .other, .noPermission, .unkillable: .lasting
        default: .passing
        }
    }

    private func armTimer() {
        guard machine.nextWake != timerWake else { return }
        timer?.cancel()
        timer = nil
        timerWake = machine.nextWake
        guard let wake = timerWake else { return }
        let left = max(wake - RedisClock.now, .zero) + .milliseconds(1)
        timer = posts.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(left)) { [weak self] in
            guard let self else { return }
            timer = nil
            timerWake = nil
            obey(machine.timePassed(now: RedisClock.now))
        }
    }
}
