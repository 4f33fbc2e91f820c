import RelayCore
import Testing

@testable import RelayRedis

@Suite("The ledger of markers")
struct MarkerLedgerTests {
    private var ledger = MarkerLedger(interval: .seconds(1), bounds: .init(waitingMax: 3, heldMax: 5, portionMax: 2))
    private let room: RoomID
    private let alice: UserID
    private let bob: UserID

    init() throws {
        room = try RelayRedisTests.room()
        alice = try #require(UserID("alice"))
        bob = try #require(UserID("bob"))
    }

    private func moment(_ milliseconds: Int64) -> Moment { Moment(nanoseconds: milliseconds * 1_000_000) }

    private func marker(_ seq: UInt64) -> ReadMarker {
        ReadMarker(id: MessageID(milliseconds: seq, sequence: 0), seq: seq)
    }

    private func rooms(_ tellings: [MarkerLedger.Telling]) -> Int { tellings.reduce(0) { $0 + $1.markers.count } }

    @Test("tells at once after a quiet second, then at the end of each, the highest of each room")
    mutating func pace() throws {
        #expect(ledger.moved(to: marker(1), in: room, by: alice, now: moment(0)) == .tell)
        let first = try #require(ledger.take(now: moment(0)).first)
        #expect(first.user == alice && first.markers == [room: marker(1)])
        #expect(ledger.answered(first, .told, now: moment(5)) == .none)
        #expect(ledger.moved(to: marker(3), in: room, by: alice, now: moment(400)) == .wait(.milliseconds(600)))
        #expect(ledger.moved(to: marker(2), in: room, by: alice, now: moment(500)) == .none)
        let second = try #require(ledger.take(now: moment(1000)).first)
        #expect(second.markers == [room: marker(3)])
        _ = ledger.answered(second, .told, now: moment(1000))
        #expect(ledger.take(now: moment(1001)).isEmpty)
        #expect(ledger.moved(to: marker(4), in: room, by: alice, now: moment(2500)) == .tell)
    }

    @Test("takes a room for listed once Redis has said so, and not any more where Redis may have lost it")
    mutating func listing() throws {
        #expect(ledger.entered(room, by: alice, now: moment(0)) == .tell)
        let first = try #require(ledger.take(now: moment(0)).first)
        #expect(ledger.isListed(room, for: alice), "nobody sends it twice while it is on its way")
        _ = ledger.answered(first, .failed, now: moment(10))
        #expect(!ledger.isListed(room, for: alice))
        let again = try #require(ledger.take(now: moment(1010)).first)
        _ = ledger.answered(again, .told, now: moment(1020))
        #expect(ledger.entered(room, by: alice, now: moment(5000)) == .none)
        ledger.listsLost()
        #expect(ledger.entered(room, by: alice, now: moment(6000)) == .tell)
        // What was told before the loss is lost with the list.
        let early = try #require(ledger.take(now: moment(6000)).first)
        ledger.listsLost()
        _ = ledger.answered(early, .told, now: moment(6010))
        #expect(!ledger.isListed(room, for: alice))
        _ = ledger.entered(room, by: alice, now: moment(6011))
        let late = try #require(ledger.take(of: alice).first)
        _ = ledger.answered(late, .refused, now: moment(6020))
        #expect(!ledger.isListed(room, for: alice) && ledger.waitingCount == 0)
    }

    @Test("waits a second before it tells once more what failed, and keeps the higher marker")
    mutating func failure() throws {
        _ = ledger.moved(to: marker(5), in: room, by: alice, now: moment(0))
        let telling = try #require(ledger.take(now: moment(0)).first)
        #expect(ledger.moved(to: marker(4), in: room, by: alice, now: moment(1)) == .wait(.milliseconds(999)))
        #expect(ledger.answered(telling, .failed, now: moment(2)) == .none, "somebody looks again already")
        let again = try #require(ledger.take(now: moment(1000)).first)
        #expect(again.markers == [room: marker(5)])
        #expect(ledger.answered(again, .failed, now: moment(1001)) == .wait(.seconds(1)))
    }

    @Test("is told early where it is full, in portions, and drops what is past its bound")
    mutating func bounds() throws {
        for (index, name) in ["a", "b", "c", "d", "e", "f", "g"].enumerated() {
            let action = ledger.moved(
                to: marker(1), in: try RelayRedisTests.room(name), by: index < 3 ? alice : bob, now: moment(0))
            #expect(action == (index == 0 || index == 2 ? .tell : .none))
        }
        #expect(ledger.waitingCount == 5)
        #expect(ledger.takeDropped() == 2 && ledger.takeDropped() == 0)
        var counts: [Int] = []
        var action = MarkerLedger.Action.tell
        while action == .tell, counts.count < 10 {
            let tellings = ledger.take(now: moment(1))
            #expect(ledger.take(now: moment(1)).isEmpty, "one portion at a time")
            counts.append(rooms(tellings))
            for telling in tellings { action = ledger.answered(telling, .told, now: moment(2)) }
        }
        #expect(counts.first == 2 && counts.allSatisfy { $0 <= 2 })
        // The last one waits for the end of its second.
        #expect(counts.reduce(0, +) + ledger.waitingCount == 5 && ledger.waitingCount <= 1)
    }

    @Test("tells what one user waits for ahead of all others, and all of it at the end")
    mutating func ahead() throws {
        for name in ["a", "b", "c"] {
            _ = ledger.moved(to: marker(1), in: try RelayRedisTests.room(name), by: alice, now: moment(0))
        }
        _ = ledger.moved(to: marker(1), in: room, by: bob, now: moment(0))
        #expect(ledger.take(of: bob).map(\.markers) == [[room: marker(1)]])
        #expect(ledger.take(of: bob).isEmpty)
        #expect(rooms(ledger.take(now: moment(0), isLast: true)) == 3)
        #expect(ledger.waitingCount == 0)
    }

    @Test("keeps what waits while there is no connection")
    mutating func away() throws {
        #expect(ledger.moved(to: marker(1), in: room, by: alice, now: moment(0)) == .tell)
        ledger.tellingFailed()
        #expect(ledger.waitingCount == 1)
        #expect(ledger.moved(to: marker(2), in: room, by: alice, now: moment(1)) == .tell)
        #expect(ledger.take(now: moment(2)).map(\.markers) == [[room: marker(2)]])
    }
}
