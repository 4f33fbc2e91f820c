import NIOCore
import RelayCore
import RelayTestKit
import Testing

@Suite("A room's feed with messages too large for its ring")
struct FeedBoundsTests {
    private static let large = 64 * 1024

    @Test("answers history of few large messages without reading on and on", arguments: [10, 100, 499, 500])
    func historyOfLargeMessages(limit: Int) {
        var script = FeedScript()
        script.stream.post(count: 60, bytes: Self.large)
        script.join(1, .history(limit: 1))
        script.join(2, .history(limit: limit))
        #expect(!script.didLoop)
        #expect(script.reads <= 2)
        #expect(script.answers[2]?.first?.frames.map(\.seq) == Array((61 - UInt64(min(60, limit)))..<61))
    }

    @Test("opens a room with a long history of large messages without reading on and on")
    func openLarge() {
        var script = FeedScript()
        script.stream.post(count: 60, bytes: Self.large)
        script.join(1, .history(limit: 500))
        #expect(!script.didLoop)
        #expect(script.reads <= 2)
        #expect(script.answers[1]?.first?.frames.count == 60)
    }

    @Test("recovers from everywhere in a room of large messages")
    func sinceInLargeMessages() {
        var script = FeedScript()
        script.stream.post(count: 40, bytes: Self.large)
        script.join(0, .history(limit: 1))
        for position in 0..<40 {
            script.join(position + 1, .since(script.stream.entries[position].id, epoch: 1))
            #expect(script.answers[position + 1]?.first?.frames.map(\.seq) == Array((UInt64(position) + 2)..<41))
        }
        #expect(!script.didLoop)
        #expect(script.reads <= 41)
    }

    @Test("keeps no hole where the ring turned over while a read was under way")
    func ringTurnsOver() {
        for point in [JoinPoint.history(limit: 130), .since(.zero, epoch: 1)] {
            var script = FeedScript()
            script.stream.post(count: 140)
            script.join(1, .history(limit: 5))
            let orders = script.feed.readerArrived(2, at: point)
            guard case .backfill(let span)? = orders.first else { return #expect(Bool(false), "no backfill") }
            let page = script.stream.read(span)
            script.talk(40, bytes: Self.large)
            script.settle(script.feed.backfilled(page))
            #expect(!script.didLoop)
            guard let first = script.answers[2]?.first else { return #expect(Bool(false), "no answer") }
            let seqs = script.pageUp(2, from: first).flatMap { $0.frames.map(\.seq) }
            #expect(seqs == Array((point == .since(.zero, epoch: 1) ? 1 : 11)...180))
        }
    }

    @Test("pages through a room whose every message is as large as can be")
    func pagingLarge() {
        var script = FeedScript()
        script.stream.post(count: 1200, bytes: Self.large)
        script.join(1, .since(.zero, epoch: 1))
        guard let first = script.answers[1]?.first else { return #expect(Bool(false), "no answer") }
        let pages = script.pageUp(1, from: first)
        #expect(pages.flatMap { $0.frames.map(\.seq) } == Array(1...1200))
        #expect(script.reads <= 6)
    }

    @Test("holds a ring of bounded count and bytes, and says how far down it reaches")
    func ring() {
        var stream = ModelStream()
        var ring = FrameRing(floor: .zero, isWhole: true)
        for _ in 0..<Limits.ringFramesMax { ring.append(stream.post()) }
        #expect(ring.floor == .zero)
        #expect(ring.frame(seq: 1)?.seq == 1)
        ring.append(stream.post())
        #expect(ring.frames.count == Limits.ringFramesMax)
        #expect(ring.floor == stream.entries[0].id)
        #expect(ring.frame(seq: 1) == nil)
        #expect(ring.frame(seq: 2) == stream.entries[1])
        #expect(ring.frame(seq: 1025) == stream.entries[1024])
        #expect(ring.frame(seq: 1026) == nil)
        for _ in 0..<100 {
            ring.append(stream.post(bytes: Self.large))
            #expect(ring.frames.reduce(0) { $0 + $1.envelope.readableBytes } <= Limits.ringBytesMax)
        }
        ring.append(stream.post(bytes: Limits.ringBytesMax * 2))
        #expect(ring.frames.count == 1)
        #expect(ring.floor == stream.entries[stream.entries.count - 2].id)
    }

    @Test("takes older frames in front as far as there is room, the newest first")
    func prepend() {
        var stream = ModelStream()
        stream.post(count: 30)
        var ring = FrameRing(floor: stream.entries[19].id, isWhole: true)
        for frame in stream.entries[20...] { ring.append(frame) }
        ring.prepend(stream.entries[10..<20], lowerFloor: stream.entries[9].id, isWhole: false)
        #expect(ring.frames.map(\.seq) == Array(11...30))
        #expect(ring.floor == stream.entries[9].id)
        #expect(!ring.isWhole)

        var full = FrameRing(floor: stream.entries[19].id, isWhole: true)
        full.append(ModelStream.frame(seq: 21, id: stream.entries[20].id, bytes: Limits.ringBytesMax - 20))
        full.prepend(stream.entries[..<20], lowerFloor: .zero, isWhole: true)
        #expect(full.frames.map(\.seq) == [19, 20, 21])
        #expect(full.floor == stream.entries[17].id)
    }
}
