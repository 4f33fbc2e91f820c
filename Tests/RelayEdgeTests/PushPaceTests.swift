import NIOCore
import RelayCore
import RelayWire
import Testing

@testable import RelayEdge

@Suite("When a room's members are written to")
struct PushPaceTests {
    private let window = Duration.milliseconds(5)

    private func moment(_ milliseconds: Int64) -> Moment { Moment(nanoseconds: milliseconds * 1_000_000) }

    @Test("The first after a quiet spell is written at once, what follows soon waits at most the window")
    func spells() {
        var pace = PushPace()
        #expect(pace.deadline(now: moment(100), members: 100, window: window) == nil)
        pace.pushed(now: moment(100))
        #expect(pace.deadline(now: moment(101), members: 100, window: window) == moment(106))
        #expect(pace.deadline(now: moment(108), members: 100, window: window) == moment(110), "two windows at most")
        #expect(pace.deadline(now: moment(109), members: 100, window: window) == moment(110))
        #expect(pace.deadline(now: moment(110), members: 100, window: window) == nil)
    }

    @Test("Nothing waits where few are there, or where no window is")
    func never() {
        var pace = PushPace()
        pace.pushed(now: moment(100))
        #expect(pace.deadline(now: moment(101), members: Limits.heldMembersMin - 1, window: window) == nil)
        #expect(pace.deadline(now: moment(101), members: 1000, window: .zero) == nil)
        #expect(pace.deadline(now: moment(101), members: Limits.heldMembersMin, window: window) != nil)
    }

    @Test("What a busy room says comes whole and in order, gathered into few writes; who joins meanwhile gets it once")
    func gathered() throws {
        let room = try #require(RoomID("r"))
        let edge = OneLoopEdge { $0.coalesce = .milliseconds(50) }
        let members = try (0..<Limits.heldMembersMin).map { number in
            let client = try edge.connect(as: "u\(number)")
            try client.send(#"{"op":"join","room":"r"}"#)
            return client
        }
        edge.turn(.milliseconds(200))
        for member in members { _ = try member.received() }
        try edge.store.post("first", in: room)
        // Of joins that came just before, the first may wait too.
        edge.turn(.milliseconds(50))
        for member in members { #expect(try member.receivedNumbers() == [1]) }
        for number in 2...5 { try edge.store.post("m\(number)", in: room) }
        #expect(try members[0].receivedBytes().readableBytes == 0, "a busy room waits")
        let late = try edge.connect(as: "late")
        try late.send(#"{"op":"join","room":"r","since":"0-0"}"#)
        #expect(try late.receivedNumbers() == [1, 2, 3, 4, 5])
        for number in 6...7 { try edge.store.post("m\(number)", in: room) }
        edge.turn(.milliseconds(50))
        for member in members { #expect(try member.receivedNumbers() == Array(2...7)) }
        #expect(try late.receivedNumbers() == [6, 7])
    }

    @Test("More than one write's worth does not wait")
    func full() throws {
        let room = try #require(RoomID("r"))
        let edge = OneLoopEdge { $0.coalesce = .milliseconds(100) }
        let members = try (0..<Limits.heldMembersMin).map { number in
            let client = try edge.connect(as: "u\(number)")
            try client.send(#"{"op":"join","room":"r"}"#)
            return client
        }
        edge.turn(.milliseconds(200))
        _ = try members[0].received()
        let text = String(repeating: "x", count: 4000)
        for _ in 0..<40 { try edge.store.post(text, in: room) }
        let heard = try members[0].receivedNumbers()
        #expect(heard.count >= 16 && heard == Array(1...UInt64(heard.count)), "\(heard.count)")
        edge.turn(.milliseconds(200))
        #expect(try members[0].receivedNumbers() == Array(UInt64(heard.count + 1)...40))
    }
}
