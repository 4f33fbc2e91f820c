import NIOCore
import NIOEmbedded
import RelayCore
import RelayWire
import Testing

@testable import RelayEdge

@Suite("An edge that ends, and those on it")
struct SendingAwayTests {
    private let edge = OneLoopEdge()

    private static func send(_ ref: Int) -> String { #"{"op":"send","room":"general","text":"x","ref":\#(ref)}"# }

    private func drain() {
        edge.shard.drain(over: .zero)
        edge.shard.timePassed()
        edge.loop.run()
    }

    @Test("A session is closed behind the answers to what it has asked for; what it asks for then is refused")
    func answered() throws {
        let (waits, idle) = (try edge.connect(as: "alice"), try edge.connect(as: "bob"))
        edge.store.holding = [.post]
        try waits.send(Self.send(1))
        try waits.send(Self.send(2))
        drain()
        #expect(try idle.lines() == ["close 4000"])
        #expect(try waits.lines().isEmpty)
        try waits.send(Self.send(3))
        edge.store.holding = []
        edge.store.release(.post)
        let lines = try waits.lines()
        #expect(lines.count == 4, "\(lines)")
        #expect(lines.first?.contains(#""code":"draining""#) == true && lines.first?.contains(#""ref":3"#) == true)
        #expect(lines.dropFirst().prefix(2).allSatisfy { $0.contains(#""type":"ack""#) })
        #expect(lines.last == "close 4000")
    }

    @Test("Where no answer comes, a session is not kept longer than a post may take")
    func unanswered() throws {
        let client = try edge.connect(as: "alice")
        edge.store.holding = [.post]
        try client.send(Self.send(1))
        drain()
        #expect(try client.lines().isEmpty)
        edge.turn(Limits.postDeadline)
        #expect(try client.lines() == ["close 4000"])
        edge.store.holding = []
        edge.store.release(.post)
        #expect(try client.lines().isEmpty)
    }
}
