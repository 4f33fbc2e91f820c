import RelayCore
import RelayTestKit
import Testing

@Suite("A room's feed, when something goes missing")
struct FeedRepairTests {
    /// A live feed with so many messages behind it.
    private func live(posts: Int = 10) -> FeedScript {
        var script = FeedScript()
        script.stream.post(count: posts)
        script.join(0)
        return script
    }

    private func after(_ script: FeedScript) -> HistorySpan {
        .after(script.feed.lastID ?? .zero, limit: Limits.pageMessagesMax)
    }

    @Test("reads a gap before it hands on anything newer")
    func gap() {
        var script = live()
        script.stream.post(count: 3)
        #expect(script.hear(script.stream.post()).last == "deliver 11…14")
        #expect(script.feed.lastSeq == 14)
        #expect(script.hear(script.stream.post()) == ["deliver 15"])
    }

    @Test("passes over what it had already, without a read")
    func repeats() {
        var script = live(posts: 60)
        script.talk(5)
        let reads = script.reads
        for frame in script.stream.entries { #expect(script.hear(frame).isEmpty) }
        #expect(script.reads == reads)
        #expect(script.hear(script.stream.post()) == ["deliver 66"])
    }

    @Test("hands nothing on by a read that began before its members changed")
    func membersChanged() {
        var script = live()
        script.stream.post()
        _ = script.feed.frameReceived(script.stream.post())
        let page = script.stream.read(after(script))
        #expect(script.settle(script.feed.membersChanged()).isEmpty)
        #expect(script.hear(script.stream.post()).isEmpty)
        let lines = script.settle(script.feed.caughtUp(page))
        #expect(lines.first?.hasPrefix("catchUp") == true)
        #expect(lines.dropFirst() == ["deliver 11…13"])
        #expect(script.settle(script.feed.membersChanged()).first?.hasPrefix("catchUp") == true)
    }

    @Test("holds what comes while it reads, and merges it by number")
    func held() {
        var script = live()
        script.stream.post()
        _ = script.feed.frameReceived(script.stream.post())
        let page = script.stream.read(after(script))
        #expect(script.hear(script.stream.post()).isEmpty)
        #expect(script.hear(script.stream.post()).isEmpty)
        #expect(script.feed.lag == 3)
        #expect(script.settle(script.feed.caughtUp(page)) == ["deliver 11…12", "deliver 13…14"])
        #expect(script.feed.lag == 0)
    }

    @Test("reads again where what it held does not follow on what it read")
    func heldWithGap() {
        var script = live()
        script.stream.post()
        _ = script.feed.frameReceived(script.stream.post())
        let page = script.stream.read(after(script))
        script.stream.post()
        #expect(script.hear(script.stream.post()).isEmpty)
        #expect(script.settle(script.feed.caughtUp(page)).first == "deliver 11…12")
        #expect(script.feed.lastSeq == 14)
    }

    @Test("reads again where more came meanwhile than it holds")
    func heldOverflow() {
        var script = live()
        script.stream.post()
        _ = script.feed.frameReceived(script.stream.post())
        let page = script.stream.read(after(script))
        for _ in 0..<(Limits.heldFramesMax * 2) { #expect(script.hear(script.stream.post()).isEmpty) }
        #expect(script.feed.lag <= UInt64(Limits.heldFramesMax))
        script.settle(script.feed.caughtUp(page))
        #expect(script.feed.lastSeq == UInt64(12 + Limits.heldFramesMax * 2))
        #expect(script.hear(script.stream.post()) == ["deliver \(13 + Limits.heldFramesMax * 2)"])
    }

    @Test("reads a long outage page by page, in order")
    func longOutage() {
        var script = live()
        _ = script.feed.storeLost()
        script.stream.post(count: 1200)
        let lines = script.settle(script.feed.subscribed())
        #expect(
            lines.filter { $0.hasPrefix("deliver") } == ["deliver 11…510", "deliver 511…1010", "deliver 1011…1210"])
        #expect(script.catchUps == 4)
    }

    @Test("says exactly which messages are gone where the stream was trimmed meanwhile")
    func lost() {
        var script = live()
        _ = script.feed.storeLost()
        script.stream.post(count: 90)
        script.stream.trim(keeping: 20)
        let lines = script.settle(script.feed.subscribed())
        #expect(Array(lines.dropFirst()) == ["lost 11…80", "deliver 81…100"])
        // Who comes now finds no hole that is not told.
        let tenth = ReadCursor(id: MessageID(milliseconds: 1_001_100, sequence: 0), seq: 10)
        #expect(script.join(1, .cursor(tenth)).last == "answer 1: 81…100 live trimmed missed 11…80")
        #expect(script.join(2, .history(limit: 30)).last == "answer 2: 81…100 live")
        let sixth = ReadCursor(id: MessageID(milliseconds: 1_001_060, sequence: 0), seq: 6)
        #expect(script.join(3, .cursor(sixth)).last == "answer 3: 81…100 live trimmed missed 7…80")
    }

    @Test("says exactly which messages are gone where the stream was emptied")
    func lostEverything() {
        var script = live()
        _ = script.feed.storeLost()
        script.stream.post(count: 5)
        script.stream.trim(keeping: 0)
        #expect(script.settle(script.feed.subscribed()).dropFirst() == ["lost 11…15"])
        #expect(script.feed.lastSeq == 15)
        #expect(script.hear(script.stream.post()) == ["deliver 16"])
    }

    @Test("refuses who waits where the store is lost, and takes up what was missed when it is back")
    func storeLost() {
        var script = live(posts: 400)
        _ = script.feed.readerArrived(1, at: .history(limit: 300))
        #expect(script.note(script.feed.storeLost()) == ["refuse 1: unavailable"])
        #expect(script.hear(script.stream.post()).isEmpty)
        #expect(script.note(script.feed.readerArrived(2, at: .history(limit: 2))).isEmpty)
        // The answer for the reader that was refused comes late, and moves nothing.
        #expect(script.feed.backfilled(script.stream.read(.latest(limit: 301))).isEmpty)
        let lines = script.settle(script.feed.subscribed())
        #expect(lines.dropFirst() == ["deliver 401", "answer 2: 400…401 live"])
    }

    @Test("does not take a read from before a lost subscription for one from after it")
    func staleRead() {
        var script = live()
        script.stream.post()
        _ = script.feed.frameReceived(script.stream.post())
        let before = script.stream.read(after(script))
        _ = script.feed.storeLost()
        script.stream.post(count: 2)
        var orders = script.note(script.feed.subscribed())
        orders += script.settle(script.feed.caughtUp(before))
        #expect(script.feed.lastSeq == 14, "\(orders)")
    }

    @Test("asks for one read at a time, however often the channel is confirmed")
    func oneReadAtATime() {
        var script = live()
        #expect(script.note(script.feed.storeLost()).isEmpty)
        #expect(script.note(script.feed.subscribed()).count == 1)
        #expect(script.note(script.feed.subscribed()).isEmpty)
        #expect(script.note(script.feed.subscribed()).isEmpty)
        script.stream.post()
        #expect(script.settle(script.feed.caughtUp(script.stream.read(after(script)))).last == "deliver 11")
    }

    @Test("refuses who waits where a read fails, keeps its place and reads again")
    func readFailed() {
        var script = live()
        script.stream.post()
        _ = script.feed.frameReceived(script.stream.post())
        _ = script.feed.readerArrived(1, at: .history(limit: 5))
        #expect(script.note(script.feed.readFailed(.unavailable)) == ["refuse 1: unavailable"])
        #expect(script.hear(script.stream.post()).isEmpty)
        #expect(script.settle(script.feed.retry()).last == "deliver 11…13")
        #expect(script.feed.retry().isEmpty)
    }

    @Test("reads at once for a reader who comes after a read has failed")
    func readerAfterFailure() {
        var script = FeedScript()
        script.stream.post(count: 2)
        _ = script.feed.readerArrived(1, at: .history(limit: 5))
        _ = script.feed.subscribed()
        #expect(script.note(script.feed.readFailed(.unavailable)) == ["refuse 1: unavailable"])
        #expect(script.join(2) == ["catchUp latest 51", "answer 2: 1…2 live"])
    }

    @Test("refuses who waits for older messages where these cannot be read, and goes on")
    func backfillFailed() {
        var script = live(posts: 400)
        let orders = script.note(script.feed.readerArrived(1, at: .history(limit: 300)))
        #expect(orders == ["backfill latest 301"])
        #expect(script.note(script.feed.backfillFailed(.unavailable)) == ["refuse 1: unavailable"])
        #expect(script.hear(script.stream.post()) == ["deliver 401"])
        #expect(script.join(2, .history(limit: 300)).last == "answer 2: 102…401 live")
    }

    @Test("looks after a quiet room only where the list of rooms knows more than it does")
    func positionCheck() {
        var script = live()
        let known = script.stream.lastID?.milliseconds ?? 0
        let now = known + 10_000
        #expect(script.feed.activitySeen(milliseconds: known - 1, now: now).isEmpty)
        // The ms of the last message is looked at once: another may bear the same.
        #expect(script.settle(script.feed.activitySeen(milliseconds: known, now: now)).count == 1)
        #expect(script.feed.activitySeen(milliseconds: known, now: now).isEmpty)
        let missed = script.stream.post()
        let found = script.feed.activitySeen(milliseconds: missed.id.milliseconds, now: now)
        #expect(script.settle(found).last == "deliver 11")
        #expect(script.feed.activitySeen(milliseconds: missed.id.milliseconds, now: now).isEmpty)
        // A score that stays ahead for another reason costs one read, not one a check.
        #expect(script.settle(script.feed.activitySeen(milliseconds: known + 5000, now: now)).count == 1)
        #expect(script.feed.activitySeen(milliseconds: known + 5000, now: now).isEmpty)
    }

    @Test("is read at each look while its time is ahead of the clock: that would hide what is said until then")
    func aheadOfTheClock() {
        var script = live()
        let known = script.stream.lastID?.milliseconds ?? 0
        func look(at now: UInt64) -> Int {
            script.settle(script.feed.activitySeen(milliseconds: known + 5000, now: now)).count
        }
        #expect([known, known + 4999, known + 5000, known + 9000].map(look) == [1, 1, 1, 0])
    }

    @Test("ignores answers that nobody asked for")
    func unasked() {
        var script = FeedScript()
        #expect(script.feed.subscribed().isEmpty)
        #expect(script.feed.caughtUp(script.stream.read(.latest(limit: 1))).isEmpty)
        #expect(script.feed.backfilled(script.stream.read(.latest(limit: 1))).isEmpty)
        #expect(script.feed.created().isEmpty)
        #expect(script.feed.readFailed(.unavailable).isEmpty)
        #expect(script.feed.backfillFailed(.unavailable).isEmpty)
        #expect(script.feed.retry().isEmpty)
        #expect(script.feed.storeLost().isEmpty)
        #expect(script.hear(script.stream.post()).isEmpty)
        #expect(script.join(1).last == "answer 1: 1 live")
    }
}
