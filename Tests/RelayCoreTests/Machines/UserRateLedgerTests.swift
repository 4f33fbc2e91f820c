import RelayCore
import Testing

@Suite("How much a user may ask for")
struct UserRateLedgerTests {
    private let bob: UserID
    private let start = Moment(nanoseconds: 1_000_000_000_000)

    init() throws {
        bob = try #require(UserID("bob"))
    }

    /// Asks every 10 ms for a second, `perSecond` times in all; returns how many passed.
    private func ask(_ ledger: inout UserRateLedger, _ perSecond: Int, from: Moment) -> Int {
        var passed = 0
        for step in 0..<100 {
            let count = perSecond * (step + 1) / 100 - perSecond * step / 100
            for _ in 0..<count where ledger.take(.user(bob), cost: 1, now: from + .milliseconds(step * 10)) == nil {
                passed += 1
            }
        }
        return passed
    }

    @Test("is a burst, then the rate; a refusal says how long to wait, and that is enough")
    func bucket() throws {
        var ledger = UserRateLedger(ratePerSecond: 10, burst: 20)
        for _ in 0..<20 { #expect(ledger.take(.user(bob), cost: 1, now: start) == nil) }
        let refused = ledger.take(.user(bob), cost: 1, now: start)
        let wait = try #require(refused)
        #expect(wait > .zero && wait <= .milliseconds(101))
        #expect(ledger.take(.user(bob), cost: 1, now: start + .milliseconds(50)) != nil)
        #expect(ledger.take(.user(bob), cost: 1, now: start + wait) == nil)
        // One op may cost more than there can ever be.
        #expect(ledger.take(.user(bob), cost: 1000, now: start + .seconds(10)) == nil)
    }

    @Test("What cost less than was taken is there again, and no more than a burst; nobody is told of it")
    func givenBack() {
        var ledger = UserRateLedger(ratePerSecond: 40, burst: 80)
        for _ in 0..<20 {
            #expect(ledger.take(.user(bob), cost: 11, now: start) == nil)
            ledger.giveBack(.user(bob), cost: 11)
        }
        #expect(ledger.windowEnded(now: start).isEmpty)
        ledger.giveBack(.user(bob), cost: 500)
        #expect(ledger.take(.user(bob), cost: 80, now: start) == nil)
        #expect(ledger.take(.user(bob), cost: 1, now: start) != nil)
        // With a small burst less was taken than it costs.
        var small = UserRateLedger(ratePerSecond: 5, burst: 10)
        var taken = 0
        while taken < 30, small.take(.user(bob), cost: 11, now: start) == nil {
            taken += 1
            small.giveBack(.user(bob), cost: 10)
        }
        #expect(taken == 1)
    }

    @Test("is told to the other edges above a quarter of the rate, and forgotten when it is over")
    func telling() {
        var ledger = UserRateLedger(ratePerSecond: 40, burst: 80)
        for _ in 0..<10 { _ = ledger.take(.user(bob), cost: 1, now: start) }
        #expect(ledger.windowEnded(now: start + .seconds(1)).isEmpty)
        for _ in 0..<11 { _ = ledger.take(.user(bob), cost: 1, now: start + .seconds(1)) }
        #expect(ledger.windowEnded(now: start + .seconds(2)) == [UserUsage(user: bob, count: 11)])
        #expect(ledger.count == 1)
        #expect(ledger.windowEnded(now: start + .seconds(60)).isEmpty)
        #expect(ledger.count == 0)
    }

    @Test("is divided between edges that hear of each other, in proportion to what is asked for at each")
    func divided() {
        let (one, two) = (EdgeID("one"), EdgeID("two"))
        var first = UserRateLedger(ratePerSecond: 100, burst: 100)
        var second = UserRateLedger(ratePerSecond: 100, burst: 100)
        var passed: [Int] = []
        for second_ in 0..<10 {
            let now = start + .seconds(second_)
            let asked = ask(&first, 300, from: now) + ask(&second, 100, from: now)
            passed.append(asked)
            let end = now + .seconds(1)
            let (fromFirst, fromSecond) = (first.windowEnded(now: end), second.windowEnded(now: end))
            second.usageHeard(fromFirst, from: one, now: end)
            first.usageHeard(fromSecond, from: two, now: end)
        }
        // Two bursts and twice the rate at first; from then on the rate.
        #expect(passed[0] <= 400)
        for count in passed[3...] { #expect((80...130).contains(count), "\(passed)") }
        // The other edge falls silent: the whole rate is here again.
        var alone: [Int] = []
        for second_ in 10..<15 {
            let now = start + .seconds(second_)
            alone.append(ask(&first, 300, from: now))
            _ = first.windowEnded(now: now + .seconds(1))
        }
        #expect((95...105).contains(alone[4]), "\(alone)")
    }

    @Test("one who asks for little somewhere keeps a tenth of the rate there, however much is asked for elsewhere")
    func least() {
        var ledger = UserRateLedger(ratePerSecond: 100, burst: 10)
        var passed = 0
        for second in 0..<5 {
            let now = start + .seconds(second)
            ledger.usageHeard([UserUsage(user: bob, count: 1_000_000)], from: EdgeID("flood"), now: now)
            passed = ask(&ledger, 10, from: now)
            _ = ledger.windowEnded(now: now + .seconds(1))
        }
        #expect(passed >= 9)
    }

    @Test("somebody at an address is counted apart from a user of that name, and never told of")
    func addresses() throws {
        var ledger = UserRateLedger(ratePerSecond: 1, burst: 1)
        let named = try #require(UserID("192.0.2.1"))
        let address = try #require(IPAddress("192.0.2.1"))
        #expect(ledger.take(.user(named), cost: 1, now: start) == nil)
        #expect(ledger.take(.address(address), cost: 1, now: start) == nil)
        #expect(ledger.take(.address(address), cost: 1, now: start) != nil)
        #expect(ledger.windowEnded(now: start).map(\.user) == [named])
    }

    @Test("of more users than are counted nobody is refused for it")
    func bound() throws {
        var ledger = UserRateLedger(ratePerSecond: 1, burst: 1)
        for number in 0..<UserRateLedger.usersMax {
            let user = try #require(UserID("u\(number)"))
            _ = ledger.take(.user(user), cost: 1, now: start)
        }
        #expect(ledger.take(.user(bob), cost: 1, now: start) == nil)
        #expect(ledger.take(.user(bob), cost: 1, now: start) == nil)
        #expect(ledger.count == UserRateLedger.usersMax)
        #expect(ledger.windowEnded(now: start + .milliseconds(1)).count == UserRateLedger.toldMax)
    }
}
