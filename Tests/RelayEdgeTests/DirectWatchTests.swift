import RelayCore
import Testing

@testable import RelayEdge

@Suite("Since when users' channels may have missed something")
struct DirectWatchTests {
    private var watch = DirectWatch()

    private func moment(_ seconds: Int64) -> Moment { Moment(nanoseconds: seconds * 1_000_000_000) }

    @Test("It is asked from the first interruption on, until scores that come late have come")
    mutating func late() {
        watch.heard(now: moment(0))
        #expect(watch.missedSince == nil)
        watch.lost(checked: 100)
        watch.checked(now: moment(100), hasUsers: true)
        #expect(watch.missedSince == 100, "nobody is heard yet")
        watch.heard(now: moment(101))
        watch.checked(now: moment(110), hasUsers: true)
        watch.lost(checked: 200)
        #expect(watch.missedSince == 100)
        watch.heard(now: moment(120))
        watch.heard(now: moment(149))
        watch.checked(now: moment(150), hasUsers: true)
        #expect(watch.missedSince == 100)
        watch.checked(now: moment(151), hasUsers: true)
        #expect(watch.missedSince == nil)
    }

    @Test("Nothing was missed where there is nobody, or where nothing was ever looked at")
    mutating func nobody() {
        watch.lost(checked: 0)
        #expect(watch.missedSince == nil)
        watch.lost(checked: 100)
        watch.checked(now: moment(1), hasUsers: false)
        #expect(watch.missedSince == nil)
    }
}
