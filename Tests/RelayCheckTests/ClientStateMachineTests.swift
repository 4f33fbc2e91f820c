import NIOCore
import RelayCheck
import RelayCore
import RelayWire
import Testing

@Suite("A client of a run")
struct ClientStateMachineTests {
    /// A client and the time that it lives in.
    struct Scene {
        var machine: ClientStateMachine
        var now = Moment(nanoseconds: 0)
        var actions: [ClientAction] = []
        static let speech = Speech(seed: 5, mark: "abc")

        init(seed: UInt64 = 5, edges: Int = 2) {
            let rooms = ["check:5:1", "check:5:2"].compactMap { RoomID($0) }
            let plan = ClientPlan(number: 3, seed: seed, edges: edges, rooms: rooms, speech: Self.speech)
            machine = ClientStateMachine(plan, now: now)
        }

        /// Beats until an action fits; connections come about at once.
        mutating func run(
            beats: Int = 20_000, until fits: (ClientAction) -> Bool = { _ in false }
        ) -> ClientAction? {
            for _ in 0..<beats {
                now = now + .milliseconds(25)
                if let found = take(machine.ticked(now: now)).first(where: fits) { return found }
            }
            return nil
        }

        mutating func take(_ new: [ClientAction]) -> [ClientAction] {
            var all = new
            for action in new {
                switch action {
                case .open: all += machine.opened(now: now)
                case .close, .cut: all += machine.closed(.own, now: now)
                default: break
                }
            }
            actions += all
            return all
        }

        mutating func answer(_ answer: ServerAnswer, to ref: Int64) {
            _ = take(machine.received(.answer(answer, ref: .integer(ref)), now: now))
        }

        /// The next send, its key, and the ref to answer it by.
        mutating func nextSend(where fits: (SendKey) -> Bool = { _ in true }) -> (key: SendKey, ref: Int64)? {
            let action = run { action in
                guard case .send(.send(let utterance), _) = action else { return false }
                return Self.speech.key(ofText: utterance.text).map(fits) ?? false
            }
            guard case .send(.send(let utterance), let ref)? = action,
                let key = Self.speech.key(ofText: utterance.text)
            else { return nil }
            return (key, ref)
        }
    }

    private func sent(_ send: (key: SendKey, ref: Int64)?) throws -> (key: SendKey, ref: Int64) { try #require(send) }

    @Test("The same seed does the same, another one does something else")
    func seeds() {
        var first = Scene(seed: 1)
        var second = Scene(seed: 1)
        var third = Scene(seed: 2)
        _ = first.run(beats: 500)
        _ = second.run(beats: 500)
        _ = third.run(beats: 500)
        #expect(first.actions.count > 20)
        #expect(first.actions == second.actions)
        #expect(first.actions != third.actions)
    }

    @Test("A refused send with a nonce is tried again with the same words, when it may be")
    func retry() throws {
        var scene = Scene()
        let send = try sent(scene.nextSend { $0.hasNonce })
        scene.answer(.refused(Refusal(.unavailable, "", retryAfter: .seconds(1))), to: send.ref)
        let refusedAt = scene.now
        let again = try sent(scene.nextSend { $0 == send.key })
        #expect(scene.now - refusedAt >= .seconds(1))
        #expect(again.ref != send.ref)
        #expect(
            scene.actions.contains { if case .record(_, .sent(send.key, attempt: 2)) = $0 { true } else { false } })
    }

    @Test("A send without a nonce is never tried again, whatever became of it")
    func plainSends() throws {
        var scene = Scene()
        let refused = try sent(scene.nextSend { !$0.hasNonce })
        scene.answer(.refused(.unavailable), to: refused.ref)
        let lost = try sent(scene.nextSend { !$0.hasNonce })
        _ = scene.take(scene.machine.closed(.lost, now: scene.now))
        let again = scene.nextSend { $0 == refused.key || $0 == lost.key }
        #expect(again == nil)
    }

    @Test("An op without an answer is put on record, and its connection given up")
    func unanswered() {
        var scene = Scene()
        let found = scene.run { if case .record(_, .unanswered) = $0 { true } else { false } }
        #expect(found != nil)
        #expect(scene.actions.contains(.cut))
    }

    @Test("It stops reading, and reads again")
    func stalls() {
        var scene = Scene()
        let pause = scene.run(beats: 100_000) { $0 == .pause }
        let paused = scene.now
        let resumption = scene.run { $0 == .resume }
        #expect(pause != nil && resumption != nil)
        #expect(scene.now - paused < .seconds(10))
    }

    @Test("Told to finish, it settles what is open and takes up its rooms since what it heard last")
    func finish() throws {
        var scene = Scene()
        let send = try sent(scene.nextSend { $0.hasNonce })
        guard
            case .send(.join(let room, _), let ref)? = scene.run(until: {
                if case .send(.join, _) = $0 { true } else { false }
            })
        else {
            Issue.record("it never joins")
            return
        }
        scene.answer(
            .joined(
                JoinAnswer(
                    room: room, epoch: 9, last: nil, seq: 0, here: 1, isRecovered: true, reason: nil, more: false,
                    messages: [])), to: ref)
        let id = MessageID(milliseconds: 70, sequence: 0)
        let draft = MessageDraft(
            room: room, user: try #require(UserID("check-1")), name: try #require(DisplayName("check-1")), text: "x")
        let message = Message(id: id, seq: 1, draft: draft)
        let envelope = EnvelopeEncoder.envelope(of: message)
        _ = scene.take(
            scene.machine.received(
                .message(ReceivedMessage(message: message, isDeleted: false, envelope: envelope)), now: scene.now))
        _ = scene.take(scene.machine.closed(.lost, now: scene.now))
        scene.machine.finish()
        let rejoin = scene.run {
            if case .send(.join(room, from: .since(id, epoch: 9)), _) = $0 { true } else { false }
        }
        #expect(rejoin != nil)
        #expect(!scene.machine.isSettled)
        let again = scene.actions.filter { if case .record(_, .sent(send.key, _)) = $0 { true } else { false } }
        #expect(again.count >= 2)
    }

    @Test("Every fault comes once before any comes again, and the same seed gives the same")
    func schedule() {
        let kinds = Fault.all(withOwnProcesses: true)
        #expect(!kinds.contains(.flushRoom) && !kinds.contains(.trim) && kinds.contains(.stop))
        var first = FaultSchedule(kinds: kinds, seed: 3, duration: .seconds(60))
        var second = FaultSchedule(kinds: kinds, seed: 3, duration: .seconds(60))
        var seen: [Fault] = []
        for _ in kinds {
            guard let order = first.next() else { break }
            let other = second.next()
            #expect(order == other)
            seen.append(order.fault)
        }
        #expect(Set(seen) == Set(kinds))
        var none = FaultSchedule(kinds: [], seed: 3, duration: .seconds(60))
        let nothing = none.next()
        #expect(nothing == nil)
    }
}
