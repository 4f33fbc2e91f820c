import Foundation
import NIOCore
import RelayCore
import RelayTestKit
import Testing

@testable import RelayArchive

/// A stream that goes on in files.
@Suite("History beyond the stream")
struct ArchivedHistoryTests {
    @Test(
        "Every page over every layout of files and stream is what a walk through all messages finds", arguments: 1...6)
    func comparedWithScan(_ seed: UInt64) async throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<20 {
            let layout = try ArchiveLayout(random: &random)
            defer { layout.remove() }
            let history = try await HistoryHarness(stream: layout.stream, directory: layout.directory)
            for _ in 0..<25 {
                let (span, expected) = layout.question(random: &random)
                let page = try await history.read(span).get()
                #expect(page.frames == expected.frames, "\(span) of \(layout)")
                #expect(page.more == expected.more, "\(span) of \(layout)")
                #expect(page.source == expected.source, "\(span) of \(layout)")
                // What follows on is said only where it is so, and always where the files can tell.
                if page.source != .stream {
                    #expect(page.isFollowingOn == expected.isFollowingOn, "\(span) of \(layout)")
                }
            }
            try await history.stop()
        }
    }

    @Test("Files of a room that was created at another time, or that was deleted, are not served")
    func otherRoom() async throws {
        var random = SeededRandom(seed: 1)
        let layout = try ArchiveLayout(random: &random, archived: 20, streamed: 5, createdAt: 5)
        defer { layout.remove() }
        for createdAt in [nil, 6, 5] as [UInt64?] {
            let stream = FixedStream(frames: layout.stream.frames, createdAt: createdAt)
            let history = try await HistoryHarness(stream: stream, directory: layout.directory)
            let page = try await history.read(.after(.zero, limit: 100)).get()
            #expect(page.frames.count == (createdAt == 5 ? 20 : 5))
            #expect(page.source == (createdAt == 5 ? .both : .stream))
            #expect(try await history.figures().archiveFailures == 0)
            try await history.stop()
        }
    }

    @Test("For who may not have the room no file is read")
    func refused() async throws {
        var random = SeededRandom(seed: 1)
        let layout = try ArchiveLayout(random: &random, archived: 20, streamed: 5, createdAt: 5)
        defer { layout.remove() }
        let history = try await HistoryHarness(stream: layout.stream, directory: layout.directory)
        for refusal in [Refusal.noSuchRoom, nil] {
            let outcome = try await history.read(.after(.zero, limit: 100), unless: { _ in refusal })
            #expect((try? outcome.get().frames.count) == (refusal == nil ? 20 : nil))
            #expect(try await history.figures().archiveReads == (refusal == nil ? 1 : 0))
        }
        try await history.stop()
    }

    @Test("A line that is being written is not served, nor one that is whole but still in the stream")
    func tornLine() async throws {
        var random = SeededRandom(seed: 2)
        let layout = try ArchiveLayout(random: &random, archived: 20, streamed: 5, createdAt: 5)
        defer { layout.remove() }
        // The archiver writes what is in the stream: other bytes, to tell who is asked.
        let folder = "\(layout.directory)/\(RoomFolder.name(of: Frames.room))"
        let newest = try #require(layout.all.last)
        let path = "\(folder)/\(Segment(of: newest.id).fileName)"
        let file = try #require(FileHandle(forWritingAtPath: path))
        try file.seekToEnd()
        let ahead = Frames.frame(21, at: newest.id.milliseconds + 1)
        try file.write(contentsOf: Data("\(String(buffer: ahead.envelope))\n{\"id\":\"1".utf8))
        try file.close()
        let history = try await HistoryHarness(stream: layout.stream, directory: layout.directory)
        #expect(try await history.read(.after(.zero, limit: 100)).get().frames == layout.all)
        #expect(try await history.read(.latest(limit: 100)).get().frames == layout.all)
        try await history.stop()
    }

    @Test("Where the directory is gone or a day cannot be read, the stream answers alone, and it is said once a minute")
    func unreadable() async throws {
        var random = SeededRandom(seed: 3)
        let layout = try ArchiveLayout(random: &random, archived: 20, streamed: 5, createdAt: 5)
        defer { layout.remove() }
        let history = try await HistoryHarness(stream: layout.stream, directory: layout.directory)
        let manager = FileManager.default
        try manager.moveItem(atPath: layout.directory, toPath: layout.directory + ".away")
        for _ in 0..<3 {
            let page = try await history.read(.latest(limit: 100)).get()
            #expect(page.frames == layout.stream.frames && !page.more && page.source == .stream)
        }
        #expect(try await history.figures().archiveFailures == 3)
        #expect(history.log.count(of: "The archive cannot be read: history ends where Redis's ends") == 1)
        try manager.moveItem(atPath: layout.directory + ".away", toPath: layout.directory)
        #expect(try await history.read(.latest(limit: 100)).get().frames == layout.all)
        // Something else in the place of a day.
        let first = try #require(layout.all.first)
        let day = "\(layout.directory)/\(RoomFolder.name(of: Frames.room))/\(Segment(of: first.id).fileName)"
        try manager.removeItem(atPath: day)
        try manager.createDirectory(atPath: day, withIntermediateDirectories: false)
        #expect(try await history.read(.latest(limit: 100)).get().frames == layout.stream.frames)
        #expect(try await history.figures().archiveFailures == 4)
        try await history.stop()
    }

    @Test("Readers who want the same page share a read, and those who want more than the disk gives are refused")
    func shared() async throws {
        let gate = DispatchSemaphore(value: 0)
        let stream = FixedStream(frames: [Frames.frame(9)], createdAt: 5)
        let history = try await HistoryHarness(stream: stream) { _ in
            gate.wait()
            return ArchivePage(frames: [Frames.frame(8)], more: false, previousSeq: 7)
        }
        let same = try await history.begin(Array(repeating: .after(Frames.frame(7).id, limit: 5), count: 200))
        let spans = (0..<Limits.archiveReadsMax + 10).map { HistorySpan.after(Frames.frame(7).id, limit: 100 + $0) }
        let others = try await history.begin(spans)
        try await eventually("those over the bound are refused") { others.outcomes.count == 11 }
        for outcome in others.outcomes.values { #expect(outcome == .failure(.unavailable)) }
        for _ in 0..<Limits.archiveReadsMax + 1 { gate.signal() }
        try await eventually("all are answered") { same.outcomes.count == 200 && others.outcomes.count == spans.count }
        for outcome in same.outcomes.values { #expect(try outcome.get().frames.map(\.seq) == [8, 9]) }
        #expect(try await history.figures().archiveReads == UInt64(Limits.archiveReadsMax))
        try await history.stop()
    }

    @Test("A read that was begun for an older look at the stream is not shared: the archive has grown since")
    func notShared() async throws {
        let gate = DispatchSemaphore(value: 0)
        let stream = FixedStream(frames: [Frames.frame(8), Frames.frame(9)], createdAt: 5)
        let history = try await HistoryHarness(stream: stream) { request in
            gate.wait()
            // What the files held when the read was asked for: all below the stream of that moment.
            let frames = (6...9).map { Frames.frame($0) }.filter { $0.id < request.bound }
            return ArchivePage(frames: frames, more: false, previousSeq: 5)
        }
        let before = try await history.begin([.after(Frames.frame(5).id, limit: 5)])
        try await history.trim(to: 1)
        let after = try await history.begin([.after(Frames.frame(5).id, limit: 5)])
        gate.signal()
        gate.signal()
        try await eventually("both are answered") { before.outcomes.count == 1 && after.outcomes.count == 1 }
        #expect(try before.outcomes[0]?.get().frames.map(\.seq) == [6, 7, 8, 9])
        #expect(try after.outcomes[0]?.get().frames.map(\.seq) == [6, 7, 8, 9])
        try await history.stop()
    }

    @Test("A disk that hangs is not waited for: the stream answers, at once as long as it hangs")
    func hanging() async throws {
        let gate = DispatchSemaphore(value: 0)
        let stream = FixedStream(frames: [Frames.frame(9)], createdAt: 5)
        let history = try await HistoryHarness(stream: stream, deadline: .milliseconds(50)) { _ in
            gate.wait()
            return ArchivePage(frames: [Frames.frame(8)], more: false, previousSeq: 7)
        }
        let first = try await history.begin((1...2).map { .latest(limit: 10 + $0) })
        try await eventually("the deadline is over") { first.outcomes.count == 2 }
        for outcome in first.outcomes.values { #expect(try outcome.get().frames.map(\.seq) == [9]) }
        #expect(try await history.read(.latest(limit: 20)).get().frames.map(\.seq) == [9])
        #expect(try await history.figures().archiveFailures == 3)
        #expect(try await history.figures().archiveReads == 2)
        gate.signal()
        gate.signal()
        for _ in 0..<50 { gate.signal() }
        try await eventually("it is asked again") {
            try await history.read(.latest(limit: 20)).get().frames.map(\.seq) == [8, 9]
        }
        try await history.stop()
    }

    @Test("A slow disk is not one that hangs: what counts is the time of a read, not that of its turn")
    func queueing() async throws {
        let never = DispatchSemaphore(value: 0)
        let stream = FixedStream(frames: [Frames.frame(9)], createdAt: 5)
        // Eleven turns of two, each well within the deadline and all of them beyond it.
        let history = try await HistoryHarness(stream: stream, deadline: .seconds(3)) { _ in
            _ = never.wait(timeout: .now() + .milliseconds(300))
            return ArchivePage(frames: [Frames.frame(8)], more: false, previousSeq: 7)
        }
        let questions = try await history.begin((1...22).map { .latest(limit: 10 + $0) })
        try await eventually("all are answered") { questions.outcomes.count == 22 }
        for outcome in questions.outcomes.values { #expect(try outcome.get().frames.map(\.seq) == [8, 9]) }
        #expect(try await history.figures().archiveFailures == 0)
        try await history.stop()
    }

    @Test("One read that hangs takes nothing from the others")
    func oneHangs() async throws {
        let gate = DispatchSemaphore(value: 0)
        let stream = FixedStream(frames: [Frames.frame(9)], createdAt: 5)
        let history = try await HistoryHarness(stream: stream, deadline: .seconds(1)) { request in
            if request.span == .after(Frames.frame(7).id, limit: 11) { gate.wait() }
            return ArchivePage(frames: [Frames.frame(8)], more: false, previousSeq: 7)
        }
        let questions = try await history.begin((1...40).map { .after(Frames.frame(7).id, limit: 10 + $0) })
        try await eventually("all are answered") { questions.outcomes.count == 40 }
        #expect(try questions.outcomes[0]?.get().shortening == .late)
        for number in 1..<40 { #expect(try questions.outcomes[number]?.get().frames.map(\.seq) == [8, 9]) }
        #expect(try await history.read(.latest(limit: 9)).get().frames.map(\.seq) == [8, 9])
        gate.signal()
        try await history.stop()
    }

    @Test("Who waits too long for a turn is refused, and not told that there is nothing")
    func patience() async throws {
        let gate = DispatchSemaphore(value: 0)
        let stream = FixedStream(frames: [Frames.frame(9)], createdAt: 5)
        let history = try await HistoryHarness(stream: stream, patience: .milliseconds(50)) { _ in
            gate.wait()
            return ArchivePage(frames: [Frames.frame(8)], more: false, previousSeq: 7)
        }
        let questions = try await history.begin((1...4).map { .latest(limit: 10 + $0) })
        try await eventually("two are refused") { questions.outcomes.count == 2 }
        #expect(questions.outcomes[2] == .failure(.unavailable) && questions.outcomes[3] == .failure(.unavailable))
        for _ in 0..<2 { gate.signal() }
        try await eventually("the others are answered") { questions.outcomes.count == 4 }
        #expect(try questions.outcomes[0]?.get().frames.map(\.seq) == [8, 9])
        try await history.stop()
    }

    @Test("An edge that ends does not wait for a disk that hangs")
    func stopping() async throws {
        let gate = DispatchSemaphore(value: 0)
        let stream = FixedStream(frames: [Frames.frame(9)], createdAt: 5)
        let history = try await HistoryHarness(stream: stream, deadline: .milliseconds(50)) { _ in
            gate.wait()
            return nil
        }
        #expect(try await history.read(.latest(limit: 10)).get().shortening == .late)
        try await history.stop()
        gate.signal()
    }
}
