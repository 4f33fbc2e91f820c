import RelayCore
import RelayTestKit
import Testing

@Suite("A room's feed whose past is in an archive")
struct FeedArchiveTests {
    /// Three hundred messages, of which the stream keeps a hundred and the archive has all.
    private func script() -> FeedScript {
        var script = FeedScript()
        var archive = ModelArchive()
        script.stream.post(count: 300)
        _ = archive.drain(script.stream)
        script.stream.trim(keeping: 100)
        script.archive = archive
        return script
    }

    /// The same with a member, who was not told of three hundred more; of these the stream keeps fifty.
    private func interruptedScript() -> FeedScript {
        var script = script()
        script.join(1)
        _ = script.feed.storeLost()
        script.stream.post(count: 300)
        _ = script.archive?.drain(script.stream)
        script.stream.trim(keeping: 50)
        return script
    }

    private func id(_ seq: UInt64, in script: FeedScript) -> MessageID {
        script.archive?.frames.first { $0.seq == seq }?.id ?? .zero
    }

    @Test("gives everything from any id, and says that nothing is missing, also right where the stream begins")
    func everywhere() {
        for seq in [0, 1, 99, 198, 199, 200, 201, 202, 299, 300] as [UInt64] {
            var script = script()
            script.join(1, .history(limit: 5))
            script.join(2, .since(id(seq, in: script), epoch: 1))
            let rest = seq < 300 ? "\(seq + 1)…300" : "nothing"
            let line = script.answers[2]?.first.map(FeedScript.line)
            #expect(line == (seq == 299 ? "300 live" : "\(rest) live"), "\(seq)")
        }
    }

    @Test("fills up the newest messages where the stream holds fewer than are asked for")
    func history() {
        var script = script()
        script.join(1, .history(limit: 250))
        #expect(script.answers[1]?.first.map(FeedScript.line) == "51…300 live")
        // A ring that is filled from the archive answers like any other.
        #expect(script.join(2, .since(id(60, in: script), epoch: nil)) == ["answer 2: 61…300 live"])
    }

    @Test("says what the archive says is lost, where it was")
    func holes() {
        var script = script()
        script.archive?.lose(120...130)
        script.join(1, .history(limit: 5))
        script.join(2, .since(id(100, in: script), epoch: 1))
        let pages = script.answers[2]?.first.map { script.pageUp(2, from: $0) } ?? []
        #expect(pages.map(FeedScript.line) == ["101…119", "131…300 live trimmed missed 120…130"])
        #expect(script.join(3, .since(id(119, in: script), epoch: 1)).last == "answer 3: 131…300 live trimmed")
    }

    @Test("brings members up to now out of the archive where the stream was trimmed meanwhile")
    func interrupted() {
        var script = interruptedScript()
        #expect(
            script.settle(script.feed.subscribed()) == ["catchUp after \(id(300, in: script)) 500", "deliver 301…600"])
    }

    @Test("sends a reader from another epoch to what the stream holds, not through the whole archive")
    func rewound() {
        var script = script()
        script.join(1)
        script.join(2, .since(id(10, in: script), epoch: 99))
        let pages = script.answers[2]?.first.map { script.pageUp(2, from: $0) } ?? []
        #expect(pages.map(FeedScript.line) == ["nothing rewound", "201…300 live"])
    }

    @Test("keeps the page that it read last for a reader who comes a little later, and no longer")
    func recentPage() {
        var script = FeedScript()
        script.stream.post(count: 3000)
        script.join(1, .history(limit: 5))
        let ids = script.stream.entries.map(\.id)
        #expect(script.join(2, .since(ids[99], epoch: 1)) == ["backfill after \(ids[99]) 500", "answer 2: 101…600"])
        #expect(script.join(3, .since(ids[399], epoch: 1)) == ["answer 3: 401…600"])
        #expect(script.join(4, .cursor(ReadCursor(id: ids[599], seq: 600))).count == 2)
        #expect(script.join(5, .cursor(ReadCursor(id: ids[599], seq: 600))) == ["answer 5: 601…1100"])
        script.feed.backfillAged()
        #expect(script.join(6, .cursor(ReadCursor(id: ids[599], seq: 600))).count == 2)
    }

    @Test("gives what the stream holds where the archive cannot be read, and asks again the next time")
    func shortened() {
        var script = script()
        script.shortening = .unreadable
        script.join(1, .history(limit: 250))
        #expect(script.answers[1]?.first.map(FeedScript.line) == "201…300 live")
        #expect(script.join(2, .since(id(50, in: script), epoch: 1)).last == "answer 2: 201…300 live trimmed")
        script.shortening = nil
        #expect(script.join(3, .since(id(50, in: script), epoch: 1)).last == "answer 3: 51…300 live")
        #expect(script.join(4, .history(limit: 250)).last == "answer 4: 51…300 live")
    }

    @Test("refuses whom an archive that is late would seem to say a loss, and gives the others what there is")
    func late() {
        var script = script()
        script.join(1)
        let (first, below) = (id(200, in: script), id(50, in: script))
        script.shortening = .late
        #expect(script.join(2, .since(below, epoch: 1)).last == "refuse 2: unavailable")
        #expect(script.join(3, .cursor(ReadCursor(id: below, seq: 50))).last == "refuse 3: unavailable")
        #expect(script.join(4, .cursor(ReadCursor(id: first, seq: 200))).last == "answer 4: 201…300 live")
        #expect(script.join(5, .history(limit: 250)).last == "answer 5: 201…300 live")
        script.shortening = nil
        #expect(script.join(6, .since(below, epoch: 1)).last == "answer 6: 51…300 live")
        #expect(script.join(7, .cursor(ReadCursor(id: below, seq: 50))).last == "answer 7: 51…300 live")
    }

    @Test("refuses a reader that catches up where the archive cannot be read, also where the stream is empty")
    func unreadableForCursor() {
        var script = script()
        script.join(1)
        script.shortening = .unreadable
        let cursor = ReadCursor(id: id(50, in: script), seq: 50)
        #expect(script.join(2, .cursor(cursor)).last == "refuse 2: unavailable")
        script.stream.trim(keeping: 0)
        #expect(script.join(3, .cursor(cursor)).last == "refuse 3: unavailable")
        script.shortening = nil
        #expect(script.join(4, .cursor(cursor)).last == "answer 4: 51…300 live")
    }

    @Test("knows nothing of the past of a room that it opens while the archive is late and the stream empty")
    func lateAtTheStart() {
        for shortening in [Shortening.late, .unreadable] {
            var script = script()
            script.stream.trim(keeping: 0)
            script.shortening = shortening
            #expect(script.join(1).last == "answer 1: nothing live")
            script.shortening = nil
            #expect(script.join(2, .since(id(50, in: script), epoch: 1)).last == "answer 2: 51…300 live")
        }
    }

    @Test("does not tell members that what a late archive has is lost: it reads again")
    func lateForMembers() {
        var script = interruptedScript()
        script.shortening = .late
        let read = "catchUp after \(id(300, in: script)) 500"
        #expect(script.settle(script.feed.subscribed()) == [read, "try again"])
        #expect(script.settle(script.feed.retry()) == [read, "try again"])
        script.shortening = nil
        #expect(script.settle(script.feed.retry()) == [read, "deliver 301…600"])
    }
}
