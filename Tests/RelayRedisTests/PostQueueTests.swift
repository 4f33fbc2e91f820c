import RelayCore
import Testing

@testable import RelayRedis

@Suite("The queue of posts, as conversations")
struct PostQueueTests {
    typealias Queue = PostQueueStateMachine<String>

    private func moment(_ milliseconds: Int64) -> Moment { Moment(nanoseconds: milliseconds * 1_000_000) }

    private func connectedQueue(waitingMax: Int = 8, inAllMax: Int = 12, perCall: Int = 3) -> Queue {
        var queue = Queue(waitingMax: waitingMax, waitingInAllMax: inAllMax, postsPerCallMax: perCall)
        _ = queue.connected(now: moment(0))
        return queue
    }

    private func request(_ queue: inout Queue, _ text: String, nonce: String? = nil, in room: String = "r") throws
        -> String
    {
        let action = queue.postRequested(
            try draft(text, nonce: nonce, in: RelayRedisTests.room(room)), token: text, now: moment(0))
        switch action {
        case .none: return "wait"
        case .scheduleTick: return "tick"
        case .waitForMore: return "later"
        case .refuse(let token, let refusal): return "refuse \(token) \(refusal.code)"
        }
    }

    /// `#expect` cannot call what changes a value.
    private func expect<Value: Equatable>(
        _ value: Value, _ expected: Value, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(value == expected, sourceLocation: sourceLocation)
    }

    private func texts(_ call: Queue.Call) -> [String] { call.posts.map(\.draft.text) }

    private func settled(_ orders: Queue.Orders) -> [String] {
        orders.settled.map { token, outcome in
            switch outcome {
            case .success(let receipt): "\(token)=\(receipt.seq)"
            case .failure(let refusal): "\(token) \(refusal.code)"
            }
        }
    }

    private func reply(_ seqs: UInt64..., epoch: UInt64 = 9) -> PostReply {
        PostReply(
            epoch: epoch,
            outcomes: seqs.map {
                .success(PostReceipt(id: MessageID(milliseconds: 100, sequence: $0), seq: $0, isDuplicate: false))
            })
    }

    @Test("One call a room; what comes meanwhile is the next, in order, no more than fit")
    func oneCall() throws {
        var queue = connectedQueue()
        try expect(request(&queue, "a"), "tick")
        try expect(request(&queue, "b"), "wait")
        try expect(request(&queue, "x", in: "other"), "wait")
        let first = queue.tickEnded(now: moment(0)).calls
        #expect(first.map { texts($0) } == [["a", "b"], ["x"]])
        #expect(first[0].known == nil)
        for text in ["c", "d", "e", "f"] { _ = try request(&queue, text) }
        expect(queue.tickEnded(now: moment(1)).calls.isEmpty, true)
        let second = queue.callAnswered(first[0], reply: reply(1, 2), now: moment(2))
        #expect(settled(second) == ["a=1", "b=2"])
        #expect(second.calls.map { texts($0) } == [["c", "d", "e"]])
        #expect(second.calls[0].known?.seq == 2)
        let third = queue.callAnswered(second.calls[0], reply: reply(3, 4, 5), now: moment(3))
        #expect(third.calls.map { texts($0) } == [["f"]])
        #expect(queue.waiting == 0)
    }

    @Test("What is known of a room goes with the epoch that it is of")
    func positions() throws {
        var queue = connectedQueue()
        func turn(_ answer: PostReply) throws -> PostPosition? {
            _ = try request(&queue, "a")
            let call = try #require(queue.tickEnded(now: moment(0)).calls.first)
            _ = queue.callAnswered(call, reply: answer, now: moment(0))
            return call.known
        }
        try expect(turn(reply(7)), nil)
        try expect(turn(reply(8))?.seq, 7)
        try expect(turn(reply(2, epoch: 10))?.seq, 8)
        try expect(turn(reply(3, epoch: 0))?.epoch, 10)
        try expect(turn(reply(3, epoch: 10))?.seq, 2)
    }

    @Test("A full queue refuses: one room's, then all rooms' together")
    func bounds() throws {
        var queue = connectedQueue(waitingMax: 2, inAllMax: 3)
        try expect(request(&queue, "a"), "tick")
        try expect(request(&queue, "b"), "wait")
        try expect(request(&queue, "c"), "refuse c unavailable")
        try expect(request(&queue, "x", in: "other"), "wait")
        try expect(request(&queue, "y", in: "third"), "refuse y unavailable")
    }

    @Test("Without a connection a post is refused at once; a cut one refuses what waits")
    func disconnected() throws {
        var queue = Queue()
        try expect(request(&queue, "a"), "refuse a unavailable")
        _ = queue.connected(now: moment(0))
        try expect(request(&queue, "a"), "tick")
        let call = try #require(queue.tickEnded(now: moment(0)).calls.first)
        try expect(request(&queue, "b"), "tick")
        expect(settled(queue.disconnected()), ["b unavailable"])
        expect(queue.tickEnded(now: moment(1)).calls.isEmpty, true)
        expect(settled(queue.callFailed(call, .refused(.unavailable), now: moment(1))), ["a unavailable"])
        #expect(queue.waiting == 0)
    }

    @Test("A call of unknown outcome is repeated before anything newer, without the drafts that have no nonce")
    func repeated() throws {
        var queue = connectedQueue()
        _ = try request(&queue, "a", nonce: "1")
        _ = try request(&queue, "b")
        _ = try request(&queue, "c", nonce: "3")
        let call = try #require(queue.tickEnded(now: moment(0)).calls.first)
        expect(queue.disconnected().settled.isEmpty, true)
        let lost = queue.callFailed(call, .unknownOutcome, now: moment(10))
        #expect(settled(lost) == ["b unavailable"])
        #expect(lost.calls.isEmpty)
        #expect(queue.nextDeadline == moment(2000))
        expect(queue.timePassed(now: moment(1999)).settled.isEmpty, true)
        let back = queue.connected(now: moment(1999)).calls
        #expect(back.map { texts($0) } == [["a", "c"]])
        #expect(back[0].deadline == moment(2000))
        try expect(request(&queue, "d"), "tick")
        expect(queue.tickEnded(now: moment(1999)).calls.isEmpty, true)
        let answered = queue.callAnswered(back[0], reply: reply(1, 2), now: moment(2000))
        #expect(settled(answered) == ["a=1", "c=2"])
        #expect(answered.calls.map { texts($0) } == [["d"]])
    }

    @Test("A held call is given up when its time is over, and so is one that came to nothing too late")
    func givenUp() throws {
        var queue = connectedQueue()
        _ = try request(&queue, "a", nonce: "1")
        _ = try request(&queue, "x", nonce: "1", in: "other")
        let calls = queue.tickEnded(now: moment(0)).calls
        _ = queue.disconnected()
        expect(settled(queue.callFailed(calls[0], .unknownOutcome, now: moment(10))), [])
        expect(settled(queue.callFailed(calls[1], .unknownOutcome, now: moment(2000))), ["x unavailable"])
        expect(settled(queue.timePassed(now: moment(2000))), ["a unavailable"])
        #expect(queue.nextDeadline == nil)
        expect(queue.connected(now: moment(2001)).calls.isEmpty, true)
    }

    @Test("Scores: at once after a quiet second, then once a second")
    func touches() throws {
        var ledger = RoomTouchLedger()
        let room = try room()
        func stored(_ milliseconds: UInt64, at: Int64) -> RoomTouchLedger.Action {
            ledger.stored(MessageID(milliseconds: milliseconds, sequence: 0), in: room, now: moment(at))
        }
        expect(ledger.postLeaves(room), true)
        expect(ledger.postLeaves(room), false)
        expect(stored(5, at: 0), .tell)
        expect(ledger.take(now: moment(0)), [room: 5])
        expect(stored(6, at: 100), .wait(.milliseconds(900)))
        expect(stored(8, at: 200), .none)
        expect(stored(7, at: 300), .none)
        expect(ledger.take(now: moment(1000)), [room: 8])
        expect(stored(9, at: 2500), .tell)
        // One that is deleted is not put on the list again behind its end.
        ledger.dropped(room)
        expect(ledger.take(now: moment(2500)), [:])
        expect(ledger.postLeaves(room), true)
        ledger.disconnected()
        expect(ledger.postLeaves(room), true)
    }

    @Test("A call that finds writes lost waits for the room to be restored, goes again from there, and not for ever")
    func rewound() throws {
        var queue = connectedQueue()
        _ = try request(&queue, "a")
        let call = try #require(queue.tickEnded(now: moment(0)).calls.first)
        #expect(call.isGuarded)
        queue.restoreBegan(call.room)
        expect(queue.callFailed(call, .rewound, now: moment(1)).calls.isEmpty, true)
        _ = try request(&queue, "b")
        expect(queue.tickEnded(now: moment(2)).calls.isEmpty, true)
        let place = PostPosition(epoch: 11, seq: 5, id: MessageID(milliseconds: 100, sequence: 5))
        let again = queue.restoreEnded(call.room, at: place, now: moment(3)).calls
        #expect(again.map { texts($0) } == [["a"]])
        #expect(again[0].known == place && again[0].isGuarded && again[0].deadline == call.deadline)
        var last = again[0]
        for _ in 0..<2 {
            queue.restoreBegan(call.room)
            _ = queue.callFailed(last, .rewound, now: moment(3))
            last = try #require(queue.restoreEnded(call.room, at: nil, now: moment(3)).calls.first)
        }
        #expect(!last.isGuarded && last.known == place)
        let next = queue.callAnswered(last, reply: reply(6, epoch: 11), now: moment(4))
        #expect(next.calls.map { texts($0) } == [["b"]] && next.calls[0].isGuarded)
    }

    @Test("A room that cannot be restored yet refuses who waits; one that takes too long gives its call up")
    func restoreFails() throws {
        var queue = connectedQueue()
        let room = try RelayRedisTests.room("r")
        queue.restoreBegan(room)
        _ = try request(&queue, "a")
        _ = try request(&queue, "x", in: "other")
        expect(queue.tickEnded(now: moment(0)).calls.map { texts($0) }, [["x"]])
        expect(settled(queue.restoreFailed(room)), ["a unavailable"])
        _ = try request(&queue, "b")
        expect(queue.tickEnded(now: moment(1)).calls.isEmpty, true)
        let call = try #require(queue.restoreEnded(room, at: nil, now: moment(2)).calls.first)
        queue.restoreBegan(room)
        _ = queue.callFailed(call, .rewound, now: moment(3))
        expect(settled(queue.timePassed(now: moment(2002))), ["b unavailable"])
        _ = queue.disconnected()
        _ = queue.connected(now: moment(3000))
        _ = try request(&queue, "c")
        expect(queue.tickEnded(now: moment(3000)).calls.count, 1)
        #expect(queue.waiting == 0)
    }

    @Test("Nobody waits for a room that is restored longer than for a call, also who was never called for")
    func restoreTakesLong() throws {
        var queue = connectedQueue()
        let room = try RelayRedisTests.room("r")
        queue.restoreBegan(room)
        #expect(queue.nextDeadline == nil)
        _ = try request(&queue, "a")
        expect(queue.tickEnded(now: moment(10)).calls.isEmpty, true)
        #expect(queue.nextDeadline == moment(2010))
        _ = try request(&queue, "b")
        expect(queue.tickEnded(now: moment(500)).calls.isEmpty, true)
        #expect(queue.timePassed(now: moment(2009)).settled.isEmpty)
        expect(settled(queue.timePassed(now: moment(2010))), ["a unavailable", "b unavailable"])
        #expect(queue.waiting == 0 && queue.nextDeadline == nil)
        _ = try request(&queue, "c")
        expect(queue.tickEnded(now: moment(3000)).calls.isEmpty, true)
        let calls = queue.restoreEnded(room, at: nil, now: moment(3001)).calls
        #expect(calls.map { texts($0) } == [["c"]])
    }

    // MARK: A room that is not there

    @Test("A room is made for the first draft that founds one; what comes meanwhile waits, and comes after it")
    func founding() throws {
        var queue = connectedQueue()
        _ = try request(&queue, "a")
        let call = try #require(queue.tickEnded(now: moment(0)).calls.first)
        let missed = queue.roomMissed(call, now: moment(1))
        #expect(missed.founder?.text == "a")
        #expect(missed.orders.settled.isEmpty && missed.orders.calls.isEmpty)
        _ = try request(&queue, "b")
        expect(queue.tickEnded(now: moment(2)).calls.isEmpty, true)
        let made = try queue.roomMade(room("r"), for: #require(missed.founder?.user), refusal: nil, now: moment(3))
        #expect(made.calls.map { texts($0) } == [["a"]])
        #expect(made.calls[0].hasRoomMade)
        #expect(made.calls[0].deadline == call.deadline)
        #expect(queue.callAnswered(made.calls[0], reply: reply(1), now: moment(4)).calls.map { texts($0) } == [["b"]])
    }

    @Test("Whose room is refused has said nothing; the next of the call may found it, and a call has an end")
    func foundingRefused() throws {
        var queue = connectedQueue()
        for (text, user) in [("edit", "alice"), ("a1", "alice"), ("b1", "bob"), ("a2", "alice")] {
            var post = try draft(text, in: room("r"))
            post.user = try #require(UserID(user))
            if text == "edit" { post.type = .edit }
            _ = queue.postRequested(post, token: text, now: moment(0))
        }
        let call = try #require(queue.tickEnded(now: moment(0)).calls.first)
        let missed = queue.roomMissed(call, now: moment(1))
        #expect(settled(missed.orders) == ["edit noSuchRoom"])
        let refusal = Refusal(.rateLimited, "No more rooms.")
        let refused = try queue.roomMade(
            room("r"), for: #require(missed.founder?.user), refusal: refusal, now: moment(2))
        #expect(settled(refused) == ["a1 rateLimited"])
        #expect(refused.calls.map { texts($0) } == [["b1"]])
        let again = queue.roomMissed(refused.calls[0], now: moment(3))
        #expect(again.founder?.user.description == "bob")
        // Nobody answers: what is held is given up with its call, what waits when it has waited as long.
        #expect(settled(queue.timePassed(now: moment(2_001))) == ["b1 unavailable"])
        let late = try queue.roomMade(room("r"), for: #require(again.founder?.user), refusal: nil, now: moment(2_002))
        #expect(late.calls.map { texts($0) } == [["a2"]])
        #expect(!late.calls[0].hasRoomMade)
    }
}
