import RelayCore
import Testing

@testable import RelayClient

@Suite("Messages on their way to the relay")
struct OutboxTests {
    private let start = Moment(nanoseconds: 0)

    private func utterance(_ text: String, room: String = "general") throws -> Utterance {
        Utterance(room: try #require(RoomID(room)), type: .message, text: text, nonce: Nonce(text), replyTo: nil)
    }

    private func nonce(_ text: String) throws -> Nonce { try #require(Nonce(text)) }

    private func outbox(_ texts: String..., capacity: Int = 10) throws -> Outbox {
        var outbox = Outbox(capacity: capacity)
        for text in texts {
            try outbox.added(utterance(text), nonce: nonce(text), expiry: start + .seconds(9))
        }
        return outbox
    }

    @Test("One message of a room is under way, the next follows its acknowledgement")
    func order() throws {
        var outbox = try outbox("a", "b")
        #expect(outbox.due(now: start).map(\.text) == ["a"])
        #expect(outbox.due(now: start).isEmpty)
        let settled = outbox.settled(try nonce("a"))
        #expect(settled)
        #expect(outbox.due(now: start).map(\.text) == ["b"])
    }

    @Test("No more goes out than the relay allows, and what else goes out counts too")
    func pace() throws {
        var outbox = Outbox(capacity: 10)
        for name in ["a", "b", "c", "d"] {
            try outbox.added(utterance(name, room: name), nonce: nonce(name), expiry: start + .seconds(9))
        }
        var limits = Limits()
        (limits.ratePerSecond, limits.burst) = (20, 5)
        outbox.welcomed(limits)
        outbox.charged(cost: 1, now: start)
        #expect(outbox.due(now: start).count == 2)
        let next = try #require(outbox.deadline)
        #expect(next > start + .milliseconds(50) && next < start + .milliseconds(60))
        #expect(outbox.due(now: next).count == 1)
        #expect(outbox.due(now: next + .milliseconds(60)).count == 1)
    }

    @Test("A room with much to say leaves the others their part of what the relay allows", arguments: 1...8)
    func fairness(_ run: Int) throws {
        var outbox = Outbox(capacity: 100)
        var limits = Limits()
        (limits.ratePerSecond, limits.burst) = (20, 5)
        outbox.welcomed(limits)
        // Which room comes first in a dictionary depends on its name.
        for number in 1...40 {
            let busy = try utterance("b\(number)", room: "busy\(run)")
            try outbox.added(busy, nonce: nonce("b\(number)"), expiry: start + .seconds(90))
        }
        var (now, said, others) = (start, [String](), 0)
        while said.count < 30 {
            if others < 2, said.count >= 10 * (others + 1) {
                others += 1
                let quiet = try utterance("x\(others)", room: "quiet\(run)\(others)")
                try outbox.added(quiet, nonce: nonce("x\(others)"), expiry: now + .seconds(90))
            }
            let due = outbox.due(now: now)
            for utterance in due {
                said.append(utterance.text)
                let isThere = outbox.settled(try #require(utterance.nonce))
                #expect(isThere)
            }
            if due.isEmpty { now = try #require(outbox.deadline) }
        }
        let places = said.indices.filter { said[$0].hasPrefix("x") }
        #expect(places.count == 2 && zip(places, [10, 20]).allSatisfy { $0 <= $1 + 2 }, "\(places)")
    }

    @Test("Coming back to a room counts as what it has brought")
    func paceOfComingBack() throws {
        var outbox = try outbox("a")
        outbox.welcomed(Limits())
        for _ in 1...4 {
            outbox.charged(cost: 1 + ClientCommand.sinceCost, now: start)
            outbox.rejoined(bringing: 49)
        }
        #expect(outbox.due(now: start).count == 1)
        let settled = outbox.settled(try nonce("a"))
        #expect(settled)
        for _ in 1...4 {
            outbox.charged(cost: 1 + ClientCommand.sinceCost, now: start)
            outbox.rejoined(bringing: 500)
        }
        try outbox.added(utterance("b"), nonce: nonce("b"), expiry: start + .seconds(9))
        #expect(outbox.due(now: start).isEmpty)
    }

    @Test("Rooms do not wait for one another")
    func rooms() throws {
        var outbox = try outbox("a")
        try outbox.added(utterance("x", room: "other"), nonce: nonce("x"), expiry: start + .seconds(9))
        #expect(Set(outbox.due(now: start).map(\.text)) == ["a", "x"])
    }

    @Test("A refusal that time heals brings the same message again, when it said")
    func retry() throws {
        var outbox = try outbox("a", "b")
        _ = outbox.due(now: start)
        let refusal = Refusal(.rateLimited, "", retryAfter: .milliseconds(50))
        let action = outbox.refused(try nonce("a"), refusal, now: start)
        #expect(action == .retry(at: start + .milliseconds(50)))
        #expect(outbox.due(now: start + .milliseconds(49)).isEmpty)
        #expect(outbox.deadline == start + .milliseconds(50))
        #expect(outbox.due(now: start + .milliseconds(50)).map(\.text) == ["a"])
    }

    @Test("A refusal for good lets the next one go")
    func failure() throws {
        var outbox = try outbox("a", "b")
        _ = outbox.due(now: start)
        let refusal = Refusal(.tooLarge, "")
        let action = outbox.refused(try nonce("a"), refusal, now: start)
        #expect(action == .fail(try nonce("a"), refusal))
        #expect(outbox.due(now: start).map(\.text) == ["b"])
    }

    @Test("What was under way goes out again on the next connection")
    func reconnection() throws {
        var outbox = try outbox("a")
        _ = outbox.due(now: start)
        outbox.disconnected()
        #expect(outbox.due(now: start).map(\.text) == ["a"])
    }

    @Test("A full outbox and a nonce in use are refused")
    func bounds() throws {
        var outbox = try outbox("a", "b", capacity: 3)
        let (a, c, d) = (try nonce("a"), try nonce("c"), try nonce("d"))
        let (first, third, fourth) = (try utterance("a"), try utterance("c"), try utterance("d"))
        #expect(throws: RelayClientError.nonceInUse(a)) { try outbox.added(first, nonce: a, expiry: start) }
        try outbox.added(third, nonce: c, expiry: start + .seconds(9))
        #expect(throws: RelayClientError.outboxFull) { try outbox.added(fourth, nonce: d, expiry: start) }
    }

    @Test("What was tried for long enough goes, wherever it stands")
    func expiry() throws {
        var outbox = try outbox("a")
        try outbox.added(utterance("b"), nonce: nonce("b"), expiry: start + .seconds(20))
        _ = outbox.due(now: start)
        let early = outbox.timePassed(now: start + .seconds(8))
        #expect(early.isEmpty)
        let expired = outbox.timePassed(now: start + .seconds(9))
        #expect(expired == [try nonce("a")])
        #expect(outbox.due(now: start + .seconds(9)).map(\.text) == ["b"])
        let late = outbox.settled(try nonce("a"))
        #expect(!late)
    }
}
