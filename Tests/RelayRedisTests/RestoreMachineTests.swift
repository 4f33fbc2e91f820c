import RedisProtocol
import RelayCore
import RelayTestKit
import Testing

@testable import RelayRedis

@Suite("What an edge could put back, and how it does, as conversations")
struct RestoreMachineTests {
    private func moment(_ milliseconds: Int64) -> Moment { Moment(nanoseconds: milliseconds * 1_000_000) }

    private func id(_ number: UInt64) -> MessageID { MessageID(milliseconds: 1000 + number, sequence: 0) }

    private let known = PostPosition(
        epoch: 7, seq: 3, id: MessageID(milliseconds: 1003, sequence: 0))

    /// A machine that has posted so many messages of one room.
    private func machine(_ count: UInt64) throws -> RestoreStateMachine {
        var machine = RestoreStateMachine()
        for number in 1...count {
            machine.stored(try draft("\(number)"), id: id(number), seq: number, now: moment(0))
        }
        return machine
    }

    private func begin(_ machine: inout RestoreStateMachine, isOrigin: Bool = true) throws -> RestoreStateMachine.Call {
        let room = try room()
        let orders = machine.begin(
            room, newest: machine.ledger.newest()[room], known: known, heard: nil, isOrigin: isOrigin)
        return try #require(orders.calls.first)
    }

    private func reply(_ isOpen: Bool, _ places: [RestoreReply.Place] = []) -> RestoreReply {
        RestoreReply(isOpen: isOpen, position: PostPosition(epoch: 9, seq: 3, id: id(3)), places: places)
    }

    @Test("The ledger forgets the oldest past its number, its bytes and its age")
    func ledgerBounds() throws {
        var ledger = PostLedger(messagesMax: 3, bytesMax: 10_000, ageMax: .seconds(10))
        for number in 1...4 as ClosedRange<UInt64> {
            ledger.stored(try draft("\(number)"), id: id(number), seq: number, now: moment(Int64(number) * 1000))
        }
        #expect(try ledger.messages(of: room()).map(\.seq) == [2, 3, 4])
        ledger.forget(now: moment(13_500))
        #expect(try ledger.messages(of: room()).map(\.seq) == [4])
        let long = String(repeating: "x", count: 9_600)
        ledger.stored(try draft(long), id: id(5), seq: 5, now: moment(13_500))
        #expect(try ledger.messages(of: room()).map(\.seq) == [5])
        ledger.stored(try draft("elsewhere", in: room("other")), id: id(1), seq: 1, now: moment(13_500))
        #expect(ledger.count == 1, "another long one and this are more than fit")
        ledger.moved([id(1): (id(8), 8)], in: try room("other"))
        #expect(try ledger.newest()[room("other")]?.id == id(8))
    }

    @Test("Nothing lost: one call with the newest message, and the epoch is learnt")
    func nothingLost() throws {
        var machine = try machine(3)
        let look = try begin(&machine)
        #expect(look.step == .look && look.messages.map(\.seq) == [3] && look.known == known)
        let orders = machine.answered(look, reply(false), now: moment(1))
        #expect(orders.calls.isEmpty && orders.ended.map(\.position?.epoch) == [9])
        #expect(orders.ended.first?.outcome == nil && orders.ended.first?.isSettled == false && !orders.isWidespread)
        #expect(try !machine.isBusy(room()))
    }

    @Test("Lost: staged in batches, settled after a pause, asked for, and the ledger knows the new places")
    func lost() throws {
        var machine = try machine(70)
        let look = try begin(&machine)
        let first = machine.answered(look, reply(true), now: moment(1))
        #expect(first.isWidespread)
        let stage = try #require(first.calls.first)
        #expect(stage.step == .stage && stage.messages.map(\.seq) == Array(1...64))
        // One of them is there.
        let places = [.settled] + [RestoreReply.Place](repeating: .staged, count: 63)
        let more = try #require(machine.answered(stage, reply(false, places), now: moment(2)).calls.first)
        #expect(more.step == .stage && more.messages.map(\.seq) == Array(65...70))
        let rest = [RestoreReply.Place](repeating: .staged, count: 6)
        let settle = try #require(machine.answered(more, reply(false, rest), now: moment(3)).calls.first)
        #expect(settle.step == .settle && settle.messages.isEmpty)
        let waiting = machine.answered(settle, reply(true), now: moment(4))
        #expect(waiting.calls.isEmpty && machine.nextWake == moment(104))
        expectNothing(machine.timePassed(now: moment(103)))
        let again = try #require(machine.timePassed(now: moment(104)).calls.first)
        #expect(again.step == .settle)
        let ask = try #require(machine.answered(again, reply(false), now: moment(105)).calls.first)
        #expect(ask.step == .ask && ask.messages.map(\.seq) == Array(2...70))
        let found = [RestoreReply.Place](repeating: .settled, count: 68) + [.moved(id: id(90), seq: 71)]
        let end = machine.answered(ask, reply(false, found), now: moment(106))
        #expect(end.ended.first?.outcome == RestoreStateMachine.Outcome(restored: 69, moved: 1))
        #expect(end.ended.first?.isSettled == true)
        #expect(try machine.ledger.messages(of: room()).last?.id == id(90))
        #expect(machine.nextWake == nil)
    }

    @Test("What is missing again is put back again, but not for ever")
    func missing() throws {
        var machine = try machine(1)
        var look = try begin(&machine)
        for round in 1...3 {
            let stage = try #require(machine.answered(look, reply(true), now: moment(0)).calls.first)
            let settle = try #require(machine.answered(stage, reply(false, [.staged]), now: moment(0)).calls.first)
            let ask = try #require(machine.answered(settle, reply(false), now: moment(0)).calls.first)
            let orders = machine.answered(ask, reply(false, [.missing]), now: moment(0))
            guard round < 3 else {
                #expect(orders.ended.count == 1)
                break
            }
            #expect(orders.ended.isEmpty)
            look = try #require(machine.timePassed(now: moment(100)).calls.first)
            #expect(look.step == .look)
        }
    }

    @Test("What is staged is lost in its turn: all of it again, at once, as from the first loss, but not for ever")
    func lotLost() throws {
        var machine = try machine(70)
        var look = try begin(&machine)
        let staged = [RestoreReply.Place](repeating: .staged, count: 64)
        for round in 1...16 {
            let stage = try #require(machine.answered(look, reply(true), now: moment(0)).calls.first)
            #expect(stage.messages.count == 64 && stage.lot.isEmpty && stage.known == known)
            let first = RestoreReply(isOpen: false, position: nil, lot: "\(round)", places: staged)
            var next = try #require(machine.answered(stage, first, now: moment(0)).calls.first)
            #expect(next.step == .stage && next.messages.count == 6 && next.lot == "\(round)")
            if round.isMultiple(of: 2) {
                let rest = Array(staged.prefix(6))
                let second = RestoreReply(isOpen: false, position: nil, lot: "\(round)", places: rest)
                next = try #require(machine.answered(next, second, now: moment(0)).calls.first)
                #expect(next.step == .settle && next.lot == "\(round)")
            }
            let word = RestoreReply(isOpen: false, isLotLost: true, position: nil)
            let lost = machine.answered(next, word, now: moment(0))
            guard round < 16 else {
                #expect(lost.ended.count == 1 && lost.calls.isEmpty)
                break
            }
            look = try #require(lost.calls.first)
            #expect(look.step == .look && look.messages.map(\.seq) == [70] && machine.nextWake == nil)
        }
    }

    @Test(
        "A Redis that refuses what it may take later is tried again after a second, one that always will is left alone")
    func refused() throws {
        var machine = try machine(2)
        let look = try begin(&machine)
        let stage = try #require(machine.answered(look, reply(true), now: moment(0)).calls.first)
        let failed = machine.failed(stage, .passing, now: moment(10))
        #expect(try failed.failed == [room()] && failed.ended.isEmpty && machine.isBusy(room()))
        let again = try #require(machine.timePassed(now: moment(1010)).calls.first)
        #expect(again.step == .look)
        let given = machine.failed(again, .lasting, now: moment(1011))
        #expect(try given.ended.map(\.room) == [room()] && !machine.isBusy(room()))
    }

    @Test("A lost connection ends every conversation, and late answers are nobody's")
    func disconnected() throws {
        var machine = try machine(2)
        let look = try begin(&machine)
        machine.disconnected()
        expectNothing(machine.answered(look, reply(true), now: moment(0)))
        expectNothing(machine.failed(look, .passing, now: moment(0)))
        #expect(try begin(&machine, isOrigin: false).step == .look)
    }

    @Test("With nothing of its own an edge waits until the others are done")
    func othersOnly() throws {
        var machine = RestoreStateMachine()
        let settle = try #require(
            machine.begin(room(), newest: nil, known: nil, heard: nil, isOrigin: true).calls.first)
        #expect(settle.step == .settle)
        expectNothing(machine.begin(try room(), newest: nil, known: nil, heard: nil, isOrigin: true))
        #expect(machine.answered(settle, reply(true), now: moment(0)).ended.isEmpty)
        let again = try #require(machine.timePassed(now: moment(100)).calls.first)
        #expect(machine.answered(again, reply(false), now: moment(100)).ended.map(\.isSettled) == [true])
    }

    @Test("Where nobody has laid anything out there was nothing to wait for, and nobody is told that it is back")
    func nothingToWaitFor() throws {
        var machine = RestoreStateMachine()
        let orders = machine.begin(try room(), newest: nil, known: nil, heard: nil, isOrigin: true)
        let settle = try #require(orders.calls.first)
        #expect(machine.answered(settle, reply(false), now: moment(0)).ended.map(\.isSettled) == [false])
    }

    @Test("Who asks after another edge has put all of it back is told so, though it did not wait")
    func putBackBeforeItAsked() throws {
        var machine = try machine(1)
        let stage = try #require(machine.answered(begin(&machine), reply(true), now: moment(0)).calls.first)
        let settle = try #require(machine.answered(stage, reply(false, [.staged]), now: moment(0)).calls.first)
        let ask = try #require(machine.answered(settle, reply(false), now: moment(900)).calls.first)
        #expect(machine.answered(ask, reply(false, [.settled]), now: moment(900)).ended.map(\.isSettled) == [true])
        // What the room is was all that it had.
        let nature = try #require(RoomNature(["other", "alice", "5", "", "1"].map { RESPValue.simpleString($0) }))
        let orders = machine.begin(
            try room("other"), newest: nil, known: nil, heard: nil, nature: nature, isOrigin: true)
        let only = try #require(orders.calls.first)
        let laid = RestoreReply(isOpen: false, position: nil, lot: "1", places: [])
        let asked = try #require(machine.answered(only, laid, now: moment(0)).calls.first)
        #expect(machine.answered(asked, reply(false), now: moment(900)).ended.map(\.isSettled) == [true])
    }

    private func expectNothing(_ orders: RestoreStateMachine.Orders) {
        #expect(orders.calls.isEmpty && orders.ended.isEmpty && orders.failed.isEmpty)
    }
}

@Suite("The wait for replicas, as conversations")
struct ReplicaGateTests {
    @Test("One question at a time; what comes meanwhile is the next, and what has no room goes at once")
    func oneAtATime() {
        var gate = ReplicaGate<Int>(waitingMax: 2)
        func acknowledge(_ number: Int) -> String {
            switch gate.acknowledged(number) {
            case .none: "waits"
            case .ask: "ask"
            case .release(let waiter): "release \(waiter)"
            }
        }
        var said = [acknowledge(1), acknowledge(2)]
        gate.asked()
        said += [acknowledge(3), acknowledge(4), acknowledge(5)]
        #expect(said == ["ask", "waits", "waits", "waits", "release 5"])
        let first = gate.answered()
        #expect(first.released == [1, 2] && first.asksAgain)
        gate.asked()
        let second = gate.answered()
        #expect(second.released == [3, 4] && !second.asksAgain)
        #expect(acknowledge(6) == "ask")
    }
}
