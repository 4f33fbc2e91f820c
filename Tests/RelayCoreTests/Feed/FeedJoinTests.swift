import RelayCore
import RelayTestKit
import Testing

@Suite("A room's feed, when readers come")
struct FeedJoinTests {
    private func script(posts: Int) -> FeedScript {
        var script = FeedScript()
        script.stream.post(count: posts)
        return script
    }

    @Test("subscribes, waits for the confirmation, reads once and answers the first reader")
    func firstJoin() {
        var script = script(posts: 3)
        #expect(script.note(script.feed.readerArrived(1, at: .history(limit: 50))) == ["subscribe"])
        #expect(script.note(script.feed.subscribed()) == ["catchUp latest 51"])
        #expect(script.note(script.feed.caughtUp(script.stream.read(.latest(limit: 51)))) == ["answer 1: 1…3 live"])
        let answer = script.answers[1]?.first
        #expect(answer?.standing == RoomStanding(epoch: 1, lastSeq: 3, lastID: script.stream.lastID, oldestSeq: nil))
        #expect(answer?.cursor == script.stream.lastID.map { ReadCursor(id: $0, seq: 3) })
        #expect(script.hear(script.stream.post()) == ["deliver 4"])
    }

    @Test("makes a room that does not exist, and answers with an empty one")
    func create() {
        var script = FeedScript()
        script.stream.flush()
        #expect(
            script.join(1) == [
                "subscribe", "catchUp latest 51", "create", "catchUp latest 51", "answer 1: nothing live",
            ])
        #expect(script.answers[1]?.first?.standing.lastID == nil)
        #expect(script.hear(script.stream.post()) == ["deliver 1"])
    }

    @Test("refuses readers of a room that may not be made, and tries again for the next")
    func refusedCreation() {
        var script = FeedScript()
        script.stream.flush()
        _ = script.feed.readerArrived(1, at: .history(limit: 50))
        _ = script.feed.subscribed()
        #expect(script.note(script.feed.caughtUp(script.stream.read(.latest(limit: 51)))) == ["create"])
        #expect(script.note(script.feed.readFailed(Refusal(.noSuchRoom, "no"))) == ["refuse 1: no_such_room"])
        #expect(script.join(2).last == "answer 2: nothing live")
    }

    @Test("is made for the next of those who wait where the first may not have it made")
    func nextFounder() {
        var script = FeedScript()
        script.stream.flush()
        for ticket in [1, 2, 11] { _ = script.feed.readerArrived(ticket, at: .history(limit: 50)) }
        _ = script.feed.subscribed()
        #expect(script.note(script.feed.caughtUp(script.stream.read(.latest(limit: 51)))) == ["create"])
        let refusal = Refusal(.rateLimited, "spent")
        let next = script.feed.creationRefused(refusal) { $0 % 10 == 1 }
        #expect(script.note(next) == ["refuse 1: rate_limited", "refuse 11: rate_limited", "create"])
        #expect(Array(script.feed.waitingTickets) == [2])
        let last = script.feed.creationRefused(refusal) { $0 == 2 }
        #expect(script.note(last) == ["refuse 2: rate_limited"])
        #expect(script.join(3).last == "answer 3: nothing live")
    }

    @Test("brings the history that is asked for from the ring, at no cost", arguments: [0, 1, 5, 50, 51, 60])
    func historyFromRing(limit: Int) {
        var script = script(posts: 60)
        script.join(1, .history(limit: 60))
        #expect(script.reads == 1)
        script.join(2, .history(limit: limit))
        #expect(script.reads == 1)
        let answer = script.answers[2]?.first
        #expect(answer?.frames.map(\.seq) == Array((61 - UInt64(limit))..<61))
        #expect(answer?.isLive == true)
        #expect(answer?.shortfall == nil)
    }

    @Test("reads once more where the ring does not reach, and then the ring does")
    func historyFromBackfill() {
        var script = script(posts: 400)
        script.join(1, .history(limit: 10))
        #expect(script.join(2, .history(limit: 300)) == ["backfill latest 301", "answer 2: 101…400 live"])
        #expect(script.join(3, .history(limit: 300)) == ["answer 3: 101…400 live"])
        #expect(script.join(4, .history(limit: 500)) == ["backfill latest 501", "answer 4: 1…400 live"])
        #expect(script.join(5, .history(limit: 500)) == ["answer 5: 1…400 live"])
    }

    @Test("recovers from every id in the ring, below it and above it")
    func sinceEverywhere() {
        for newest in [0, 10, 50] {
            for position in 0...200 {
                var script = script(posts: 200)
                script.join(1, .history(limit: newest))
                let frame = position == 0 ? nil : script.stream.entries[position - 1]
                script.join(2, .since(frame?.id ?? .zero, epoch: 1))
                let answer = script.answers[2]?.first
                #expect(answer?.frames.map(\.seq) == Array((UInt64(position) + 1)..<201), "\(newest), \(position)")
                #expect(answer?.shortfall == nil, "\(newest), \(position)")
                #expect(answer?.isLive == true, "\(newest), \(position)")
            }
        }
    }

    @Test("recovers from an id that never was: everything above it")
    func sinceBetween() {
        var script = script(posts: 20)
        let tenth = script.stream.entries[9].id
        script.join(1, .since(MessageID(milliseconds: tenth.milliseconds + 1, sequence: 7), epoch: nil))
        #expect(script.answers[1]?.first?.frames.map(\.seq) == Array(11...20))
        script.join(2, .since(MessageID(milliseconds: tenth.milliseconds - 1, sequence: 7), epoch: nil))
        #expect(script.answers[2]?.first?.frames.map(\.seq) == Array(10...20))
    }

    @Test("says that messages were trimmed where the stream no longer reaches back, and gives what there is")
    func trimmed() {
        var script = script(posts: 300)
        script.join(1, .history(limit: 5))
        let ids = script.stream.entries.map(\.id)
        script.stream.trim(keeping: 100)
        #expect(script.join(2, .since(ids[50], epoch: 1)).last == "answer 2: 201…300 live trimmed")
        #expect(script.join(3, .since(ids[250], epoch: 1)).last == "answer 3: 252…300 live")
        #expect(
            script.join(4, .cursor(ReadCursor(id: ids[50], seq: 51))).last
                == "answer 4: 201…300 live trimmed missed 52…200")
        #expect(script.join(5, .cursor(ReadCursor(id: ids[199], seq: 200))).last == "answer 5: 201…300 live")
    }

    @Test("says so where everything was trimmed, with the exact numbers")
    func everythingTrimmed() {
        var script = script(posts: 30)
        let ids = script.stream.entries.map(\.id)
        script.stream.trim(keeping: 0)
        script.join(1)
        #expect(script.join(2, .since(ids[3], epoch: 1)).last == "answer 2: nothing live trimmed")
        #expect(
            script.join(3, .cursor(ReadCursor(id: ids[3], seq: 4))).last
                == "answer 3: nothing live trimmed missed 5…30")
        #expect(!script.didLoop)
        #expect(script.hear(script.stream.post()) == ["deliver 31"])
    }

    @Test("sends a reader from another epoch, or from above the last id, back to the beginning")
    func rewound() {
        var script = script(posts: 30)
        script.join(1)
        let beyond = MessageID(milliseconds: (script.stream.lastID?.milliseconds ?? 0) + 1, sequence: 0)
        for point in [
            JoinPoint.since(beyond, epoch: nil), .since(beyond, epoch: 1),
            .since(script.stream.entries[9].id, epoch: 7),
            .cursor(ReadCursor(id: beyond, seq: 31)),
        ] {
            script.join(2, point)
            let first = script.answers[2]?.last
            #expect(first?.shortfall == .rewound)
            guard let first else { continue }
            let pages = script.pageUp(2, from: first)
            #expect(pages.flatMap { $0.frames.map(\.seq) } == Array(1...30))
            #expect(pages.last?.isLive == true)
        }
    }

    @Test("answers many readers with one read: ten thousand cost as much as one")
    func manyReaders() {
        var script = script(posts: 400)
        script.join(-1, .history(limit: 1))
        var actions: [FeedScript.Feed.Action] = []
        for ticket in 0..<10_000 {
            let point: JoinPoint =
                ticket.isMultiple(of: 2)
                ? .since(script.stream.entries[ticket % 300].id, epoch: 1)
                : .cursor(ReadCursor(id: script.stream.entries[ticket % 300].id, seq: UInt64(ticket % 300) + 1))
            actions += script.feed.readerArrived(ticket, at: point)
        }
        #expect(actions.count == 1)
        script.settle(actions)
        #expect(script.backfills == 1)
        #expect(script.answers.count == 10_001)
        for ticket in 0..<10_000 {
            let expected = Array(UInt64(ticket % 300) + 2...400)
            let isRight = script.answers[ticket]?.first.map { $0.frames.map(\.seq) == expected && $0.isLive } ?? false
            guard !isRight else { continue }
            Issue.record("reader \(ticket) got something else")
            break
        }
    }

    @Test("answers ten thousand first joins with the one read that opens the room")
    func manyFirstReaders() {
        var script = script(posts: 100)
        var actions: [FeedScript.Feed.Action] = []
        for ticket in 0..<10_000 { actions += script.feed.readerArrived(ticket, at: .history(limit: 20)) }
        script.settle(actions)
        #expect(script.reads == 1)
        #expect(script.answers.count == 10_000)
    }

    @Test("refuses a reader where too many wait already")
    func tooManyWaiting() {
        var script = FeedScript()
        for ticket in 0..<Limits.waitingJoinsMax { _ = script.feed.readerArrived(ticket, at: .history(limit: 0)) }
        #expect(script.note(script.feed.readerArrived(-1, at: .history(limit: 0))) == ["refuse -1: unavailable"])
    }

    @Test("pages a reader that is far behind up to live, five hundred at a time")
    func paging() {
        var script = script(posts: 1800)
        script.join(1)
        script.join(2, .since(script.stream.entries[0].id, epoch: 1))
        guard let first = script.answers[2]?.first else { return #expect(Bool(false), "no answer") }
        #expect(first.frames.count == Limits.pageMessagesMax)
        #expect(!first.isLive)
        let pages = script.pageUp(2, from: first)
        #expect(pages.map(\.frames.count) == [500, 500, 500, 299])
        #expect(pages.flatMap { $0.frames.map(\.seq) } == Array(2...1800))
        #expect(pages.allSatisfy { $0.missed == nil && $0.shortfall == nil })
    }

    @Test("counts exactly what a paging reader misses by trimming")
    func pagingOverTrimming() {
        var script = script(posts: 1800)
        script.join(1)
        script.join(2, .since(.zero, epoch: 1))
        script.stream.trim(keeping: 700)
        guard let first = script.answers[2]?.first else { return #expect(Bool(false), "no answer") }
        let pages = script.pageUp(2, from: first)
        #expect(pages.map(\.missed) == [nil, 501...1100, nil])
        #expect(pages.flatMap { $0.frames.map(\.seq) } == Array(1...500) + Array(1101...1800))
    }
}
