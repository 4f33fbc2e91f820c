import RelayCore
import RelayTestKit
import Testing

@Suite("A room's feed, when the past changes or somebody forges it")
struct FeedRewindTests {
    private func live(posts: Int = 10) -> FeedScript {
        var script = FeedScript()
        script.stream.post(count: posts)
        script.join(0)
        return script
    }

    private func id(after script: FeedScript, milliseconds: UInt64, sequence: UInt64 = 0) -> MessageID {
        MessageID(milliseconds: (script.stream.lastID?.milliseconds ?? 0) + milliseconds, sequence: sequence)
    }

    @Test("says so where Redis was emptied, makes the room anew and goes on")
    func flush() {
        var script = live()
        _ = script.feed.storeLost()
        script.stream.flush()
        let lines = script.settle(script.feed.subscribed())
        #expect(lines.filter { $0.hasPrefix("rewound") } == ["rewound 10→0 epoch 2"])
        #expect(lines.contains("create"))
        #expect(script.hear(script.stream.post()) == ["deliver 1"])
    }

    @Test("gives members what was said in the new epoch before it noticed")
    func flushAndTalk() {
        var script = live()
        script.stream.flush()
        script.stream.post(count: 3)
        let lines = script.hear(script.stream.post())
        #expect(lines.filter { $0.hasPrefix("rewound") } == ["rewound 10→4 epoch 2"])
        #expect(lines.last == "deliver 1…4")
        #expect(script.hear(script.stream.post()) == ["deliver 5"])
    }

    @Test("says so where Redis came up with an older file, and gives members only what is new to them")
    func olderFile() {
        var script = live()
        _ = script.feed.storeLost()
        script.stream.rewind(by: 3)
        // By then the clock of Redis has gone on.
        script.stream.post(step: 1000)
        let lines = script.settle(script.feed.subscribed())
        #expect(lines.filter { $0.hasPrefix("rewound") } == ["rewound 10→8 epoch 1"])
        #expect(lines.filter { $0.hasPrefix("deliver") } == ["deliver 8"])
        #expect(script.hear(script.stream.post()) == ["deliver 9"])
    }

    @Test("goes on without a word where a room in which nothing was said is forgotten and made again")
    func emptyRoomForgotten() {
        var script = FeedScript()
        script.join(1)
        _ = script.feed.storeLost()
        script.stream.flush()
        let lines = script.settle(script.feed.subscribed())
        #expect(!lines.contains { $0.hasPrefix("rewound") || $0.hasPrefix("lost") }, "\(lines)")
        #expect(script.hear(script.stream.post()) == ["deliver 1"])
    }

    @Test("tells of numbers that were raised under a new epoch as lost, and keeps no hole untold")
    func raised() {
        var script = live()
        script.stream.rewind(by: 3)
        script.stream.raise(to: 20, id: id(after: script, milliseconds: 500))
        let lines = script.hear(script.stream.post())
        #expect(lines.filter { $0.hasPrefix("rewound") } == ["rewound 10→21 epoch 2"])
        #expect(lines.last == "deliver 21")
        let sixth = script.stream.entries[5]
        script.join(1, .cursor(ReadCursor(id: sixth.id, seq: 6)))
        guard let first = script.answers[1]?.first else { return #expect(Bool(false), "no answer") }
        let pages = script.pageUp(1, from: first)
        #expect(pages.map(FeedScript.line) == ["7 rewound", "21 live trimmed missed 8…20"])
        #expect(!script.didLoop)
    }

    @Test("tells a reader who stood still over a loss of it once, and gives it what it lacks and nothing twice")
    func stoodStill() throws {
        var script = live()
        let before = script.stream.entries
        let third = ReadCursor(id: before[2].id, seq: 3)
        let tenth = ReadCursor(id: before[9].id, seq: 10)
        _ = script.feed.storeLost()
        script.stream.flush()
        script.repair = { stream in
            stream.putBack(before)
            stream.raise(to: 10, id: before[9].id)
        }
        script.settle(script.feed.subscribed())
        #expect(script.join(1, .cursor(third)) == ["answer 1: 4…10 live rewound"])
        #expect(script.join(2, .cursor(tenth)) == ["answer 2: nothing live rewound"])
        let told = try #require(script.answers[2]?.first?.cursor)
        #expect(script.join(2, .cursor(told)) == ["answer 2: nothing live"])
    }

    @Test("tells a reader who stood still which numbers are gone, where nobody had anything to put back")
    func stoodStillAndGone() {
        var script = live()
        let before = script.stream.entries
        let third = ReadCursor(id: before[2].id, seq: 3)
        _ = script.feed.storeLost()
        script.stream.flush()
        script.stream.raise(to: 10, id: before[9].id)
        script.settle(script.feed.subscribed())
        #expect(script.hear(script.stream.post()) == ["deliver 11"])
        #expect(script.join(1, .cursor(third)) == ["answer 1: 11 live rewound missed 4…10"])
    }

    @Test("has nothing to tell a reader where an empty room was forgotten and made again")
    func stoodStillInSilence() throws {
        var script = FeedScript()
        script.join(1)
        let cursor = try #require(script.answers[1]?.first?.cursor)
        _ = script.feed.storeLost()
        script.stream.flush()
        script.settle(script.feed.subscribed())
        script.talk(3)
        #expect(script.join(2, .cursor(cursor)) == ["answer 2: 1…3 live"])
    }

    @Test("survives a frame with a number far ahead: one read, and nothing is handed on")
    func farAhead() {
        var script = live()
        let forged = ModelStream.frame(seq: 1_000_000, id: id(after: script, milliseconds: 5))
        #expect(script.hear(forged).count == 1)
        #expect(script.hear(script.stream.post()) == ["deliver 11"])
        #expect(!script.didLoop)
    }

    @Test("survives forged frames that come on and on while it reads")
    func farAheadWhileReading() {
        var script = live()
        let forged = ModelStream.frame(seq: 1_000_000, id: id(after: script, milliseconds: 5))
        var orders = [FeedScript.Feed.Action]()
        if case .act(let actions) = script.feed.frameReceived(forged) { orders = actions }
        for round in 0..<50 {
            #expect(orders.count == 1, "one read at a time")
            _ = script.feed.frameReceived(forged)
            script.stream.post()
            _ = script.feed.readerArrived(round, at: .history(limit: 2))
            let page = script.stream.read(.after(script.feed.lastID ?? .zero, limit: 500))
            orders = script.feed.caughtUp(page)
            let lines = script.note(orders)
            #expect(lines.first == "deliver \(11 + round)")
            #expect(lines.contains("answer \(round): \(10 + round)…\(11 + round) live"), "\(lines)")
            orders = orders.filter { if case .catchUp = $0 { true } else { false } }
        }
        script.settle(orders)
        #expect(script.hear(script.stream.post()) == ["deliver 61"])
    }

    @Test(
        "finds the way back after a forged frame with the next number",
        arguments: [1, 3, 1_000_000_000] as [UInt64])
    func forgedNext(ahead: UInt64) {
        var script = live()
        let forged = ModelStream.frame(seq: 11, id: id(after: script, milliseconds: ahead, sequence: 9))
        #expect(script.hear(forged) == ["deliver 11"])
        // The true one has another id, above or below the forged one.
        let lines = script.hear(script.stream.post())
        #expect(lines.contains("rewound 10→11 epoch 1") || lines.contains("rewound 11→11 epoch 1"), "\(lines)")
        #expect(lines.last == "deliver 11", "\(lines)")
        #expect(script.hear(script.stream.post()) == ["deliver 12"])
        script.join(1, .history(limit: 3))
        #expect(script.answers[1]?.first?.frames == Array(script.stream.entries.suffix(3)))
    }

    @Test("hands on no number twice where a forged frame takes one that was given")
    func forgedRepeat() {
        var script = live()
        let forged = ModelStream.frame(seq: 7, id: id(after: script, milliseconds: 5))
        #expect(script.hear(forged).count == 1)
        #expect(script.hear(script.stream.post()) == ["deliver 11"])
        #expect(script.stream.entries.count == 11)
    }

    @Test("survives the highest number and id that there are")
    func highest() {
        var script = live()
        let top = MessageID(milliseconds: .max, sequence: .max)
        #expect(script.hear(ModelStream.frame(seq: .max, id: top)).count == 1)
        #expect(script.hear(ModelStream.frame(seq: 11, id: top)) == ["deliver 11"])
        script.join(1, .history(limit: 300))
        script.hear(script.stream.post())
        #expect(script.hear(script.stream.post()) == ["deliver 12"])
        #expect(!script.didLoop)
    }

    @Test("asks the stream where something came that calls itself a message and is none")
    func strange() {
        var script = live()
        let missed = script.stream.post()
        #expect(script.settle(script.feed.doubtArose()).last == "deliver \(missed.seq)")
    }

    @Test("tells a paging reader whose past is gone")
    func pagingOverRewind() {
        var script = live(posts: 700)
        script.join(1, .since(script.stream.entries[0].id, epoch: 1))
        guard let first = script.answers[1]?.first else { return #expect(Bool(false), "no answer") }
        script.stream.flush()
        script.stream.post(count: 4)
        script.hear(script.stream.post())
        script.join(1, .cursor(first.cursor))
        #expect(script.answers[1]?.last.map(FeedScript.line) == "1…5 live rewound")
    }
}
