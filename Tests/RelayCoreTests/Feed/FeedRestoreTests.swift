import RelayCore
import RelayTestKit
import Testing

@Suite("A room's feed, when edges put back what Redis lost")
struct FeedRestoreTests {
    private func live(posts: Int = 10) -> FeedScript {
        var script = FeedScript()
        script.stream.post(count: posts)
        script.join(0)
        return script
    }

    /// What members notice: everything but what the feed asks for.
    private func told(_ lines: [String]) -> [String] {
        lines.filter { $0.hasPrefix("rewound") || $0.hasPrefix("deliver") || $0.hasPrefix("lost") }
    }

    private func raise(_ stream: inout ModelStream, to last: StoredFrame?) {
        if let last { stream.raise(to: last.seq, id: last.id) }
    }

    @Test("waits for them, and members who have it all are told where the room stands and given nothing twice")
    func putBackInPlace() {
        var script = live()
        let before = script.stream.entries
        _ = script.feed.storeLost()
        script.stream.flush()
        script.repair = { stream in
            stream.putBack(before)
            raise(&stream, to: before.last)
        }
        let lines = script.settle(script.feed.subscribed())
        #expect(lines.contains("settle") && !lines.contains("create"))
        #expect(told(lines) == ["rewound 10→10 epoch 3"])
        #expect(script.hear(script.stream.post()) == ["deliver 11"])
        script.join(1, .history(limit: 11))
        #expect(script.answers[1]?.first.map(FeedScript.line) == "1…11 live")
    }

    @Test("gives members what they had missed, and tells exactly the numbers that nobody put back")
    func missedAndGone() {
        var script = live(posts: 5)
        // Of these the feed hears nothing, and the ninth and eleventh have no edge any more.
        script.stream.post(count: 6)
        let before = script.stream.entries
        _ = script.feed.storeLost()
        script.stream.rewind(by: 8)
        script.repair = { stream in
            stream.putBack(before.filter { $0.seq != 9 && $0.seq != 11 })
            raise(&stream, to: before.last)
        }
        let lines = script.settle(script.feed.subscribed())
        #expect(told(lines) == ["rewound 5→11 epoch 2", "deliver 6…8", "lost 9…9", "deliver 10", "lost 11…11"])
        #expect(script.hear(script.stream.post()) == ["deliver 12"])
    }

    @Test("numbers that members had are not told as lost, although the stream has them no more")
    func goneButKnown() {
        var script = live()
        let before = script.stream.entries
        script.stream.rewind(by: 5)
        raise(&script.stream, to: before.last)
        #expect(told(script.hear(script.stream.post())) == ["deliver 11"], "nothing is missing")
        #expect(told(script.settle(script.feed.doubtArose())) == ["rewound 11→11 epoch 2"])
    }

    @Test("what comes back after members were told is known to them, and told as what it is")
    func late() {
        var script = live()
        let before = script.stream.entries
        _ = script.feed.storeLost()
        script.stream.flush()
        #expect(told(script.settle(script.feed.subscribed())) == ["rewound 10→0 epoch 2"])
        script.stream.putBack(before)
        #expect(told(script.settle(script.feed.doubtArose())) == ["rewound 0→10 epoch 2"])
        #expect(script.hear(script.stream.post()) == ["deliver 11"])
    }

    @Test("reads on from where it stood where more was said meanwhile than one look shows")
    func muchSaid() {
        var script = live()
        let last = script.stream.entries.last
        _ = script.feed.storeLost()
        script.stream.rewind(by: 2)
        raise(&script.stream, to: last)
        script.stream.post(count: 1300)
        let lines = script.settle(script.feed.subscribed())
        #expect(told(lines) == ["rewound 10→1310 epoch 2", "deliver 11…510", "deliver 511…1010", "deliver 1011…1310"])
        #expect(!script.didLoop)
    }

    @Test("shows the newest where the numbers began anew and more was said than one look shows")
    func muchSaidAnew() {
        var script = live(posts: 700)
        _ = script.feed.storeLost()
        script.stream.flush()
        script.stream.post(count: 2000)
        let lines = script.settle(script.feed.subscribed())
        #expect(told(lines).last == "deliver 1500…2000")
        #expect(!script.didLoop)
        #expect(script.hear(script.stream.post()) == ["deliver 2001"])
    }

    @Test("says where members were, until it knows better")
    func standing() {
        var script = live()
        #expect(script.feed.standing?.lastSeq == 10 && script.feed.standing?.epoch == 1)
        script.stream.flush()
        let orders = script.feed.doubtArose()
        #expect(script.note(orders).count == 1)
        let settle = script.feed.caughtUp(script.stream.read(.after(.zero, limit: 1)))
        #expect(script.note(settle) == ["settle"])
        #expect(script.feed.standing?.lastSeq == 10)
        // A cut subscription meanwhile changes nothing of what has to be done.
        _ = script.feed.storeLost()
        #expect(script.feed.subscribed().isEmpty)
        #expect(told(script.settle(script.feed.settled())) == ["rewound 10→0 epoch 2"])
    }
}
