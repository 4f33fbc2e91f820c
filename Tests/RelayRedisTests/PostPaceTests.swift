import RelayCore
import Testing

@testable import RelayRedis

@Suite("When posts leave for Redis")
struct PostPaceTests {
    private func moment(_ milliseconds: Int64) -> Moment { Moment(nanoseconds: milliseconds * 1_000_000) }

    /// `#expect` cannot call what changes a value.
    private func deadline(
        _ pace: inout PostPace, at milliseconds: Int64, waiting: Int, inFlight: Int = 0
    ) -> Int64? {
        pace.deadline(now: moment(milliseconds), waiting: waiting, inFlight: inFlight).map {
            $0.nanoseconds / 1_000_000
        }
    }

    @Test("One who waits for each answer never waits for company, however fast the answers come")
    func alone() {
        var pace = PostPace(span: .milliseconds(5))
        for now in 0..<200 as Range<Int64> {
            let until = deadline(&pace, at: now, waiting: 1)
            #expect(until == nil)
            pace.left(now: moment(now))
        }
    }

    @Test("What meets others waits for more, five milliseconds after the last ones left at most")
    func meeting() {
        var pace = PostPace(span: .milliseconds(5))
        var until = deadline(&pace, at: 100, waiting: 1)
        #expect(until == nil)
        pace.left(now: moment(100))
        until = deadline(&pace, at: 101, waiting: 1, inFlight: 1)
        #expect(until == 105)
        until = deadline(&pace, at: 106, waiting: 1, inFlight: 1)
        #expect(until == nil, "nothing has left for longer")
    }

    @Test("When as many wait as there were lately, they leave: nobody else is to come")
    func complete() {
        var pace = PostPace(span: .milliseconds(5))
        pace.left(now: moment(0))
        var verdicts: [Int64?] = []
        for waiting in 1...3 { verdicts.append(deadline(&pace, at: 1, waiting: waiting, inFlight: 3 - waiting)) }
        #expect(verdicts == [5, 5, nil])
        pace.left(now: moment(1))
        verdicts = (1...3).map { deadline(&pace, at: 2, waiting: $0) }
        #expect(verdicts == [6, 6, nil])
    }

    @Test("Who is gone is not waited for after half a second")
    func forgetting() {
        var pace = PostPace(span: .milliseconds(5))
        _ = deadline(&pace, at: 0, waiting: 4)
        var waits: [Int64] = []
        for now in stride(from: 1, to: 1000, by: 1) as StrideTo<Int64> {
            if deadline(&pace, at: now, waiting: 1) != nil { waits.append(now) }
            pace.left(now: moment(now))
        }
        #expect(waits == Array(2..<500))
    }

    @Test("Who is met by another now and then waits in vain once, not for as long as that is remembered")
    func occasional() {
        var pace = PostPace(span: .milliseconds(5))
        var waits: [Int64] = []
        for now in 0..<500 as Range<Int64> {
            // Every quarter of a second somebody else's post is under way.
            let inFlight = now % 250 == 100 ? 1 : 0
            if let until = deadline(&pace, at: now, waiting: 1, inFlight: inFlight) {
                waits.append(now)
                #expect(until > now)
                pace.waitEnded(present: 1)
            }
            pace.left(now: moment(now))
        }
        #expect(waits == [100, 350])
    }

    @Test("Sixteen leave without waiting, and without a span nobody waits")
    func bounds() {
        var pace = PostPace(span: .milliseconds(5))
        pace.left(now: moment(0))
        let many = deadline(&pace, at: 1, waiting: Limits.gatheredPostsMax - 1, inFlight: 500)
        #expect(many == 5)
        let full = deadline(&pace, at: 1, waiting: Limits.gatheredPostsMax, inFlight: 500)
        #expect(full == nil)
        var off = PostPace(span: .zero)
        off.left(now: moment(0))
        let none = deadline(&off, at: 1, waiting: 2, inFlight: 500)
        #expect(none == nil)
    }

    @Test("Posts to many rooms that come one upon the other leave together; one alone leaves with its tick")
    func queue() throws {
        var queue = PostQueueStateMachine<String>(gatherSpan: .milliseconds(5))
        _ = queue.connected(now: moment(0))
        func post(_ text: String, at milliseconds: Int64) throws -> String {
            switch queue.postRequested(try draft(text, in: room(text)), token: text, now: moment(milliseconds)) {
            case .none: "gathered"
            case .scheduleTick: "tick"
            case .waitForMore(let deadline): "until \(deadline.nanoseconds / 1_000_000)"
            case .refuse: "refused"
            }
        }
        func leave(at milliseconds: Int64) -> [PostQueueStateMachine<String>.Call] {
            queue.tickEnded(now: moment(milliseconds)).calls
        }
        var verdicts = [try post("a", at: 100)]
        let first = leave(at: 100)
        #expect(first.map(\.room.description) == ["a"])
        // The first is not answered yet.
        verdicts += [try post("b", at: 101), try post("c", at: 102)]
        let receipt = PostReceipt(id: MessageID(milliseconds: 100, sequence: 0), seq: 1, isDuplicate: false)
        let answer = PostReply(epoch: 9, outcomes: [.success(receipt)])
        _ = queue.callAnswered(first[0], reply: answer, now: moment(103))
        // Three were there at once.
        verdicts += [try post("d", at: 103), try post("e", at: 103)]
        #expect(verdicts == ["tick", "until 105", "gathered", "tick", "gathered"])
        let together = leave(at: 103)
        #expect(together.map(\.room.description) == ["b", "c", "d", "e"])
        // The timer comes all the same, and is nobody's.
        let overtaken = queue.waitEnded(moment(105), now: moment(105)).calls
        #expect(overtaken.isEmpty)
        for call in together { _ = queue.callFailed(call, .refused(.unavailable), now: moment(106)) }
        verdicts = [try post("f", at: 107)]
        let alone = queue.waitEnded(moment(108), now: moment(108)).calls
        #expect(alone.count == 1)
        verdicts.append(try post("g", at: 300))
        #expect(verdicts == ["until 108", "tick"])
    }
}
