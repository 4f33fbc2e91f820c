import RelayCore
import Testing

@Suite("A presence ledger")
struct PresenceLedgerTests {
    private let room: RoomID
    private let alice: Identity
    private var ledger = PresenceLedger(grace: .seconds(5))

    init() throws {
        room = try #require(RoomID("r"))
        let user = try #require(UserID("alice"))
        alice = Identity(user: user, name: DisplayName(user))
    }

    private func change(_ sessions: Int, isGone: Bool = false) -> PresenceChange {
        PresenceChange(user: alice.user, name: alice.name, sessions: sessions, isGone: isGone)
    }

    private mutating func changes() -> [PresenceChange] {
        let taken = ledger.takeChanges()
        #expect(taken.allSatisfy { $0.room == room })
        return taken.flatMap(\.changes)
    }

    @Test("counts the sessions of a user, and tells the last count once")
    mutating func counting() {
        ledger.entered(alice, room: room, now: Moment(nanoseconds: 0))
        ledger.entered(alice, room: room, now: Moment(nanoseconds: 0))
        #expect(changes() == [change(2)])
        #expect(changes().isEmpty)
        ledger.left(alice.user, room: room, bySaying: true, now: moment(0))
        #expect(changes() == [change(1)])
        #expect(ledger.isPresent(alice.user, in: room))
        ledger.left(alice.user, room: room, bySaying: true, now: moment(0))
        #expect(changes() == [change(0, isGone: true)])
        #expect(!ledger.isPresent(alice.user, in: room))
        #expect(ledger.takeOccupancy() == OccupancyChange(empty: [room]))
    }

    @Test("keeps who was cut off for the grace, and no longer")
    mutating func grace() {
        ledger.entered(alice, room: room, now: Moment(nanoseconds: 0))
        ledger.left(alice.user, room: room, bySaying: false, now: moment(0))
        #expect(changes() == [change(0)])
        #expect(!ledger.isPresent(alice.user, in: room))
        ledger.timePassed(now: moment(4999))
        #expect(changes().isEmpty)
        #expect(ledger.takeOccupancy().occupied == [room])
        ledger.timePassed(now: moment(5000))
        #expect(changes() == [change(0, isGone: true)])
        #expect(ledger.takeOccupancy().empty == [room])
    }

    @Test("forgets the grace of who is back, and counts a second one from its own beginning")
    mutating func back() {
        ledger.entered(alice, room: room, now: Moment(nanoseconds: 0))
        ledger.left(alice.user, room: room, bySaying: false, now: moment(0))
        ledger.entered(alice, room: room, now: Moment(nanoseconds: 0))
        #expect(changes() == [change(1)])
        ledger.left(alice.user, room: room, bySaying: false, now: moment(3000))
        ledger.timePassed(now: moment(5000))
        #expect(changes() == [change(0)])
        ledger.timePassed(now: moment(8000))
        #expect(changes() == [change(0, isGone: true)])
    }

    @Test("has no grace where there is none, and ignores who was not there")
    mutating func withoutGrace() {
        var strict = PresenceLedger(grace: .zero)
        strict.entered(alice, room: room, now: Moment(nanoseconds: 0))
        strict.left(alice.user, room: room, bySaying: false, now: moment(0))
        #expect(strict.takeChanges().flatMap(\.changes) == [change(0, isGone: true)])
        ledger.left(alice.user, room: room, bySaying: true, now: moment(0))
        #expect(changes().isEmpty)
    }

    @Test("puts back what could not be told, but not over what is newer")
    mutating func putBack() {
        ledger.entered(alice, room: room, now: Moment(nanoseconds: 0))
        let told = changes()
        ledger.putBack(told, in: room)
        #expect(changes() == told)
        ledger.left(alice.user, room: room, bySaying: true, now: moment(0))
        ledger.putBack(told, in: room)
        #expect(changes() == [change(0, isGone: true)])
    }

    @Test("tells everybody anew when asked, those in their grace too")
    mutating func restate() throws {
        let bob = Identity(user: try #require(UserID("bob")), name: try #require(DisplayName("Bob")))
        ledger.entered(alice, room: room, now: Moment(nanoseconds: 0))
        ledger.entered(bob, room: room, now: Moment(nanoseconds: 0))
        ledger.left(alice.user, room: room, bySaying: false, now: moment(0))
        _ = changes()
        ledger.restate(nil)
        let told = changes().sorted { $0.user < $1.user }
        #expect(told == [change(0), PresenceChange(user: bob.user, name: bob.name, sessions: 1, isGone: false)])
    }

    @Test("says in which rooms there is anybody, as that changes, once, and again where it could not be told")
    mutating func occupancy() throws {
        let bob = Identity(user: try #require(UserID("bob")), name: try #require(DisplayName("Bob")))
        ledger.entered(alice, room: room, now: Moment(nanoseconds: 0))
        #expect(ledger.takeOccupancy() == OccupancyChange(occupied: [room]))
        ledger.entered(bob, room: room, now: Moment(nanoseconds: 0))
        ledger.left(bob.user, room: room, bySaying: true, now: moment(0))
        #expect(ledger.takeOccupancy().isNone)
        ledger.left(alice.user, room: room, bySaying: false, now: moment(0))
        #expect(ledger.takeOccupancy().isNone, "in the grace there is still an entry")
        ledger.timePassed(now: moment(5000))
        let told = ledger.takeOccupancy()
        #expect(told == OccupancyChange(empty: [room]))
        ledger.putBack(told)
        ledger.entered(alice, room: room, now: Moment(nanoseconds: 0))
        #expect(ledger.takeOccupancy() == OccupancyChange(occupied: [room]), "what is true by now")
        ledger.restate(nil)
        #expect(ledger.takeOccupancy() == OccupancyChange(occupied: [room]))
        ledger.everybodyGone()
        #expect(ledger.takeOccupancy() == OccupancyChange(empty: [room]))
    }

    @Test("shows the name that a user gave last")
    mutating func rename() throws {
        ledger.entered(alice, room: room, now: Moment(nanoseconds: 0))
        ledger.entered(
            Identity(user: alice.user, name: try #require(DisplayName("A."))), room: room, now: Moment(nanoseconds: 0))
        #expect(changes().map(\.name.description) == ["A."])
    }
}

@Suite("A channel ledger")
struct ChannelLedgerTests {
    @Test("gives a room up a while after the last reader went, unless one came back")
    func endings() throws {
        let (first, second) = (try #require(RoomID("a")), try #require(RoomID("b")))
        var ledger = ChannelLedger(delay: .seconds(1))
        ledger.wanted(first)
        ledger.abandoned(first, now: moment(0))
        ledger.abandoned(second, now: moment(500))
        #expect(ledger.timePassed(now: moment(999)).isEmpty)
        #expect(ledger.timePassed(now: moment(1000)) == [first])
        ledger.wanted(second)
        #expect(ledger.timePassed(now: moment(5000)).isEmpty)
        ledger.abandoned(second, now: moment(6000))
        ledger.wanted(second)
        ledger.abandoned(second, now: moment(6500))
        #expect(ledger.timePassed(now: moment(7000)).isEmpty)
        #expect(ledger.timePassed(now: moment(7500)) == [second])
        #expect(ledger.timePassed(now: moment(100_000)).isEmpty)
    }
}
