import RelayCore
import Testing

@Suite("What operators impose on users")
struct SanctionLedgerTests {
    private let bob: UserID
    private let general: RoomID
    private let other: RoomID

    init() throws {
        bob = try #require(UserID("bob"))
        general = try #require(RoomID("general"))
        other = try #require(RoomID("other"))
    }

    @Test("a kick off the relay holds until its end, for connecting, joining and sending")
    func kick() {
        var ledger = SanctionLedger()
        #expect(ledger.kickEnd(of: bob, nowMilliseconds: 0) == nil)
        ledger.imposed(Sanction(.kick, user: bob, room: nil), untilMilliseconds: 1000)
        #expect(ledger.kickEnd(of: bob, nowMilliseconds: 999) == 1000)
        let refusal = ledger.objection(toSendingTo: general, user: bob, nowMilliseconds: 400)
        #expect(refusal?.code == .forbidden && refusal?.retryAfter == .milliseconds(600))
        #expect(ledger.objection(toJoining: other, user: bob, nowMilliseconds: 400) != nil)
        #expect(ledger.kickEnd(of: bob, nowMilliseconds: 1000) == nil)
        #expect(ledger.objection(toJoining: general, user: bob, nowMilliseconds: 1000) == nil)
    }

    @Test("a kick out of a room is for that room, a mute for sending")
    func places() {
        var ledger = SanctionLedger()
        ledger.imposed(Sanction(.kick, user: bob, room: general), untilMilliseconds: 1000)
        #expect(ledger.kickEnd(of: bob, nowMilliseconds: 0) == nil)
        #expect(ledger.objection(toJoining: general, user: bob, nowMilliseconds: 0) != nil)
        #expect(ledger.objection(toSendingTo: general, user: bob, nowMilliseconds: 0) != nil)
        #expect(ledger.objection(toJoining: other, user: bob, nowMilliseconds: 0) == nil)
        ledger.imposed(Sanction(.mute, user: bob, room: other), untilMilliseconds: 1000)
        #expect(ledger.objection(toJoining: other, user: bob, nowMilliseconds: 0) == nil)
        #expect(ledger.objection(toSendingTo: other, user: bob, nowMilliseconds: 0) != nil)
    }

    @Test("the longer of two holds, and a pardon lifts what it names")
    func pardon() {
        var ledger = SanctionLedger()
        let kick = Sanction(.kick, user: bob, room: nil)
        ledger.imposed(kick, untilMilliseconds: 2000)
        ledger.imposed(kick, untilMilliseconds: 1000)
        #expect(ledger.kickEnd(of: bob, nowMilliseconds: 0) == 2000)
        ledger.imposed(Sanction(.mute, user: bob, room: general), untilMilliseconds: 2000)
        ledger.lifted(user: bob, room: nil)
        #expect(ledger.kickEnd(of: bob, nowMilliseconds: 0) == nil)
        #expect(ledger.objection(toSendingTo: general, user: bob, nowMilliseconds: 0) != nil)
        ledger.lifted(user: bob, room: general)
        #expect(ledger.objection(toSendingTo: general, user: bob, nowMilliseconds: 0) == nil)
    }

    @Test("what Redis says counts, but for what it was not given yet")
    func reading() {
        var ledger = SanctionLedger()
        let kick = Sanction(.kick, user: bob, room: nil)
        let mute = Sanction(.mute, user: bob, room: general)
        ledger.imposed(kick, untilMilliseconds: 1000)
        ledger.imposed(mute, untilMilliseconds: 1000)
        ledger.saved(mute)
        ledger.read([])
        #expect(ledger.kickEnd(of: bob, nowMilliseconds: 0) == 1000 && ledger.count == 1)
        ledger.saved(kick)
        ledger.read([(Sanction(.kick, user: bob, room: other), 500)])
        #expect(ledger.kickEnd(of: bob, nowMilliseconds: 0) == nil)
        #expect(ledger.objection(toJoining: other, user: bob, nowMilliseconds: 0) != nil)
    }

    @Test("no more are remembered than may be")
    func bound() throws {
        var ledger = SanctionLedger()
        for number in 0...SanctionLedger.sanctionsMax {
            let user = try #require(UserID("u\(number)"))
            ledger.imposed(Sanction(.mute, user: user, room: nil), untilMilliseconds: 1000)
        }
        #expect(ledger.count == SanctionLedger.sanctionsMax)
    }
}
