import NIOCore
import RedisProtocol
import Testing

/// A subscriber whose events and actions read as lines. Moments are seconds from the start.
private struct Subscriber: ~Copyable {
    private var machine: SubscriptionStateMachine
    private let start = ContinuousClock.now

    init(kind: SubscriptionKind = .classic) {
        machine = SubscriptionStateMachine(handshake: HandshakeConfiguration(serverName: "db"), kind: kind)
    }

    static func open(kind: SubscriptionKind = .classic) -> Subscriber {
        var subscriber = Subscriber(kind: kind)
        _ = subscriber.openConnection()
        return subscriber
    }

    private func moment(_ seconds: Double) -> ContinuousClock.Instant { start + .seconds(seconds) }

    mutating func openConnection(at seconds: Double = 0) -> [String] {
        switch machine.connected(handshakeDeadline: moment(seconds + 2)) {
        case .write: break
        case .close: return ["close"]
        }
        _ = reply(.bulk(ByteBuffer(string: "redis_version:7.2.0")), at: seconds)
        let opened = reply(.simpleString("PONG"), at: seconds)
        return [opened] + tickEnded()
    }

    mutating func subscribe(_ name: String) -> String { text(machine.subscribeRequested(name)) }

    mutating func unsubscribe(_ name: String) -> String { text(machine.unsubscribeRequested(name)) }

    private func text(_ action: SubscriptionStateMachine.RequestAction) -> String {
        switch action {
        case .scheduleFlush: "flush later"
        case .none: "nothing"
        }
    }

    mutating func tickEnded() -> [String] {
        switch machine.tickEnded() {
        case .write(let buffer): commands(buffer)
        case .none: []
        }
    }

    private func commands(_ buffer: ByteBuffer) -> [String] {
        let reader = RESPReader()
        reader.feed(buffer)
        var commands: [String] = []
        while let command = try? reader.next() {
            commands.append((command.array ?? []).compactMap(\.string).joined(separator: " "))
        }
        return commands
    }

    mutating func push(_ items: String..., at seconds: Double = 0) -> String {
        var values = items.map { RESPValue.bulk(ByteBuffer(string: $0)) }
        if items[0].hasSuffix("subscribe") { values.append(.integer(1)) }
        return reply(.array(values), at: seconds)
    }

    mutating func reply(_ value: RESPValue, at seconds: Double = 0) -> String {
        machine.bytesReceived()
        switch machine.replyReceived(value, now: moment(seconds)) {
        case .none: return "nothing"
        case .open(let version): return "open \(version)"
        case .subscribed(let name): return "subscribed \(name)"
        case .deliver(let payload, let name): return "\(name): \(String(buffer: payload))"
        case .close(let error): return "close: \(error)"
        }
    }

    mutating func timePasses(to seconds: Double) -> String {
        text(machine.timePassed(now: moment(seconds)))
    }

    mutating func probe(at seconds: Double) -> String {
        text(machine.probeRequested(now: moment(seconds)))
    }

    private func text(_ action: SubscriptionStateMachine.TimeAction) -> String {
        switch action {
        case .wait(let until): until.map { "wait until \(Int(($0 - start) / .seconds(1)))" } ?? "wait"
        case .probe(let buffer, let until):
            "\(commands(buffer).joined()), wait until \(Int((until - start) / .seconds(1)))"
        case .close(let error): "close: \(error)"
        }
    }

    mutating func disconnected() -> Bool { machine.connectionClosed() }

    mutating func close() { machine.closeRequested() }

    var wantedCount: Int { machine.wantedCount }
}

@Suite("SubscriptionStateMachine: the conversation on a connection for subscriptions")
struct SubscriptionStateMachineTests {
    @Test("A wanted channel is asked for, confirmed, and its messages are delivered")
    func subscribes() {
        var subscriber = Subscriber.open()
        let asked = [subscriber.subscribe("a"), subscriber.subscribe("b"), subscriber.subscribe("a")]
        #expect(asked == ["flush later", "nothing", "nothing"])
        let written = subscriber.tickEnded()
        #expect(written == ["SUBSCRIBE a b"])
        let heard = [
            subscriber.push("subscribe", "a"), subscriber.push("message", "a", "1"),
            subscriber.push("message", "b", "early"), subscriber.push("subscribe", "b"),
            subscriber.push("message", "b", "2"), subscriber.push("message", "b", "3"),
            subscriber.push("message", "a", "4"),
        ]
        #expect(heard == ["subscribed a", "a: 1", "nothing", "subscribed b", "b: 2", "b: 3", "a: 4"])
    }

    @Test("No message is delivered after the channel is unwanted, though Redis still sends some")
    func unsubscribes() {
        var subscriber = Subscriber.open()
        _ = subscriber.subscribe("a")
        _ = subscriber.tickEnded()
        _ = subscriber.push("subscribe", "a")
        _ = subscriber.push("message", "a", "1")
        let asked = [subscriber.unsubscribe("a"), subscriber.unsubscribe("a"), subscriber.unsubscribe("never")]
        #expect(asked == ["flush later", "nothing", "nothing"])
        let late = subscriber.push("message", "a", "2")
        #expect(late == "nothing")
        let written = subscriber.tickEnded()
        #expect(written == ["UNSUBSCRIBE a"])
        let confirmed = subscriber.push("unsubscribe", "a")
        #expect(confirmed == "nothing")
        #expect(subscriber.wantedCount == 0)
    }

    @Test("Only the confirmation of the newest request counts")
    func generations() {
        var subscriber = Subscriber.open()
        _ = subscriber.subscribe("a")
        _ = subscriber.tickEnded()
        _ = subscriber.unsubscribe("a")
        _ = subscriber.tickEnded()
        _ = subscriber.subscribe("a")
        let written = subscriber.tickEnded()
        #expect(written == ["SUBSCRIBE a"])
        let heard = [
            subscriber.push("subscribe", "a"), subscriber.push("message", "a", "of the first"),
            subscriber.push("unsubscribe", "a"), subscriber.push("subscribe", "a"),
            subscriber.push("message", "a", "of the second"),
        ]
        #expect(heard == ["nothing", "nothing", "nothing", "subscribed a", "a: of the second"])
    }

    @Test("Requests of one tick keep their order where they differ in sort")
    func orderWithinATick() {
        var subscriber = Subscriber.open()
        for name in ["a", "b"] { _ = subscriber.subscribe(name) }
        _ = subscriber.unsubscribe("a")
        _ = subscriber.subscribe("c")
        let written = subscriber.tickEnded()
        #expect(written == ["SUBSCRIBE a b", "UNSUBSCRIBE a", "SUBSCRIBE c"])
    }

    @Test("What is wanted before the connection stands is asked for when it does, in batches of 500")
    func batches() {
        var subscriber = Subscriber()
        for index in 0..<1201 {
            let said = subscriber.subscribe("room\(index)")
            #expect(said == "nothing")
        }
        let written = subscriber.openConnection()
        #expect(written.first == "open 7.2.0")
        let sizes = written.dropFirst().map { $0.split(separator: " ").count - 1 }
        #expect(sizes == [500, 500, 201])
        let names = Set(written.dropFirst().flatMap { $0.split(separator: " ").dropFirst() })
        #expect(names.count == 1201)
    }

    @Test("After a lost connection all that is wanted is asked for again and confirmed again")
    func resubscribes() {
        var subscriber = Subscriber.open()
        for name in ["a", "b", "c"] { _ = subscriber.subscribe(name) }
        _ = subscriber.tickEnded()
        for name in ["a", "b", "c"] { _ = subscriber.push("subscribe", name) }
        _ = subscriber.push("message", "a", "1")
        _ = subscriber.unsubscribe("b")
        let lost = [subscriber.disconnected(), subscriber.disconnected()]
        #expect(lost == [true, false])
        _ = subscriber.unsubscribe("c")
        _ = subscriber.subscribe("d")
        let written = subscriber.openConnection().dropFirst().flatMap { $0.split(separator: " ") }.sorted()
        #expect(written == ["SUBSCRIBE", "a", "d"])
        let heard = [
            subscriber.push("message", "a", "early"), subscriber.push("subscribe", "a"),
            subscriber.push("message", "a", "2"),
        ]
        #expect(heard == ["nothing", "subscribed a", "a: 2"])
    }

    @Test("What is not answered for long is probed, and silence after the probe is the end")
    func liveness() {
        var subscriber = Subscriber.open()
        let quiet = [
            subscriber.timePasses(to: 9), subscriber.timePasses(to: 10), subscriber.timePasses(to: 14),
            subscriber.reply(.simpleString("PONG"), at: 14), subscriber.timePasses(to: 15),
        ]
        #expect(quiet == ["wait until 10", "PING, wait until 15", "wait until 15", "nothing", "wait until 24"])
        let probed = [
            subscriber.timePasses(to: 24), subscriber.push("pong", "", at: 25), subscriber.timePasses(to: 29),
            subscriber.timePasses(to: 35), subscriber.timePasses(to: 40),
        ]
        #expect(
            probed == [
                "PING, wait until 29", "nothing", "wait until 35", "PING, wait until 40",
                "close: Redis did not reply in time",
            ])
    }

    @Test("Messages are no answer: behind them it may take longer, but it has to come")
    func oneWay() {
        var subscriber = Subscriber.open()
        _ = subscriber.subscribe("a")
        _ = subscriber.tickEnded()
        _ = subscriber.push("subscribe", "a", at: 2)
        _ = subscriber.push("message", "a", "1", at: 11)
        var said = [subscriber.timePasses(to: 11), subscriber.timePasses(to: 12)]
        #expect(said == ["wait until 12", "PING, wait until 17"])
        _ = subscriber.push("message", "a", "2", at: 13)
        said = [subscriber.timePasses(to: 17), subscriber.timePasses(to: 26), subscriber.timePasses(to: 27)]
        #expect(said == ["wait until 27", "wait until 27", "close: Redis did not reply in time"])
        var late = Subscriber.open()
        said = [late.timePasses(to: 10), late.push("message", "a", "1", at: 11), late.timePasses(to: 15)]
        _ = late.push("pong", "", at: 20)
        said.append(late.timePasses(to: 25))
        #expect(said == ["PING, wait until 15", "nothing", "wait until 25", "wait until 30"])
    }

    @Test("An answer that only somebody without a subscription gets says that the subscriptions are lost")
    func swallowed() {
        var subscriber = Subscriber.open()
        _ = subscriber.subscribe("a")
        _ = subscriber.tickEnded()
        _ = subscriber.push("subscribe", "a")
        _ = subscriber.timePasses(to: 10)
        let said = subscriber.reply(.simpleString("PONG"), at: 11)
        #expect(said.hasPrefix("close:"))
    }

    @Test("A probe can be asked for, once at a time")
    func probeOnRequest() {
        var subscriber = Subscriber.open()
        let said = [subscriber.probe(at: 1), subscriber.probe(at: 2), subscriber.timePasses(to: 6)]
        #expect(said == ["PING, wait until 6", "wait", "close: Redis did not reply in time"])
    }

    @Test("An error, a confirmation that nobody asked for and anything unknown close the connection")
    func surprises() {
        var denied = Subscriber.open()
        _ = denied.subscribe("a")
        _ = denied.tickEnded()
        var said = denied.reply(.error(RESPError(line: "NOPERM this user has no permissions to access the channel")))
        #expect(said == "close: Redis says: NOPERM this user has no permissions to access the channel")
        var moved = Subscriber.open(kind: .sharded)
        _ = moved.subscribe("a")
        _ = moved.tickEnded()
        _ = moved.push("ssubscribe", "a")
        said = moved.push("sunsubscribe", "a")
        #expect(said.hasPrefix("close:"))
        var unknown = Subscriber.open()
        said = unknown.push("pmessage", "a*", "a", "x")
        #expect(said.hasPrefix("close:"))
        said = unknown.reply(.integer(1))
        #expect(said.hasPrefix("close:"))
    }

    @Test("Sharded channels are asked for one by one, in their own words")
    func sharded() {
        var subscriber = Subscriber.open(kind: .sharded)
        for name in ["a", "b"] { _ = subscriber.subscribe(name) }
        let written = subscriber.tickEnded()
        #expect(written == ["SSUBSCRIBE a", "SSUBSCRIBE b"])
        let heard = [subscriber.push("ssubscribe", "a"), subscriber.push("smessage", "a", "1")]
        #expect(heard == ["subscribed a", "a: 1"])
    }

    @Test("A closed subscriber forgets everything and takes no connection")
    func closes() {
        var subscriber = Subscriber.open()
        _ = subscriber.subscribe("a")
        subscriber.close()
        #expect(subscriber.wantedCount == 0)
        let said = subscriber.push("subscribe", "a")
        #expect(said == "nothing")
        let opened = subscriber.openConnection()
        #expect(opened == ["close"])
    }
}
