import Foundation
import NIOCore
import RelayCore
import RelayTestKit
import Testing

@testable import RelayArchive

@Suite("The files of one room")
struct RoomArchiveTests {
    /// Runs the body with a directory of its own.
    private func withDirectory(_ body: (String) throws -> Void) throws {
        let directory = try TemporaryDirectory.make("martlet-archive")
        defer { TemporaryDirectory.remove(directory) }
        try body(directory)
    }

    private func archive(_ directory: String, _ opener: any SegmentOpener = FileSegmentOpener()) throws -> RoomArchive {
        let archive = try RoomArchive(room: Frames.room, directory: directory, opener: opener)
        if archive.record == nil {
            let standing = ArchiveStanding(epoch: 1, seq: 0, archived: nil, createdAt: 5)
            try archive.write(RoomRecord(room: Frames.room, standing: standing))
        }
        return archive
    }

    private func batch(_ frames: [StoredFrame], gap: ArchiveGap? = nil) -> ArchiveBatch {
        var batch = ArchiveBatch()
        for frame in frames {
            let segment = Segment(of: frame.id)
            if batch.segments.last?.segment != segment {
                batch.segments.append(SegmentLines(segment: segment, lines: []))
            }
            let last = batch.segments.count - 1
            if let gap, frame == frames.last { batch.segments[last].lines.append(.gap(gap)) }
            batch.segments[last].lines.append(.frame(frame))
            batch.end = ArchivePosition(id: frame.id, seq: frame.seq)
        }
        return batch
    }

    private func frames(_ range: ClosedRange<UInt64>) -> [StoredFrame] { range.map { Frames.frame($0) } }

    private func text(_ directory: String, _ name: String = "2026-11-21.jsonl") throws -> String {
        try String(contentsOfFile: "\(directory)/general/\(name)", encoding: .utf8)
    }

    @Test("Lines are the bytes of the envelopes, and a new run finds its place by them")
    func appending() throws {
        try withDirectory { directory in
            let first = try archive(directory)
            _ = try first.append(batch(frames(1...2)))
            _ = try first.append(batch(frames(3...3)))
            #expect(try text(directory) == Frames.line(1) + Frames.line(2) + Frames.line(3))
            #expect(try archive(directory).cursor == Frames.position(3))
        }
    }

    @Test("A file cut at any byte is repaired to its last whole message, and goes on from there")
    func tornAtEveryByte() throws {
        try withDirectory { directory in
            let gap = ArchiveGap(fromSeq: 3, toSeq: 4, reason: .missing, milliseconds: 9)
            let writer = try archive(directory)
            _ = try writer.append(batch(frames(1...2) + frames(5...5), gap: gap))
            let whole = try text(directory)
            let path = "\(directory)/general/2026-11-21.jsonl"
            let ends = [0, Frames.line(1).utf8.count, (Frames.line(1) + Frames.line(2)).utf8.count, whole.utf8.count]
            let messages: [UInt64] = [0, 1, 2, 5]
            for length in 0...whole.utf8.count {
                try Data(whole.utf8.prefix(length)).write(to: URL(fileURLWithPath: path))
                let repaired = try archive(directory)
                let kept = ends.lastIndex { $0 <= length } ?? 0
                #expect(repaired.cursor?.seq ?? 0 == messages[kept], "cut at \(length)")
                #expect(Int(repaired.cutBytes) == length - ends[kept], "cut at \(length)")
                _ = try repaired.append(batch(frames(6...6)))
                let expected = String(decoding: whole.utf8.prefix(ends[kept]), as: UTF8.self) + Frames.line(6)
                #expect(try text(directory) == expected, "cut at \(length)")
            }
        }
    }

    @Test("A file without a whole line gives way to the day before it")
    func emptyDay() throws {
        try withDirectory { directory in
            let writer = try archive(directory)
            let yesterday = Frames.frame(1, at: Frames.midnight - 5)
            _ = try writer.append(batch([yesterday]))
            let path = "\(directory)/general/2026-11-21.jsonl"
            try Data("{\"id\":\"17".utf8).write(to: URL(fileURLWithPath: path))
            let repaired = try archive(directory)
            #expect(repaired.cursor == ArchivePosition(id: yesterday.id, seq: 1))
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test("A line longer than what is read at once is found")
    func longLine() throws {
        try withDirectory { directory in
            let long = Frames.frame(2, text: String(repeating: "x", count: 300_000))
            _ = try archive(directory).append(batch([Frames.frame(1), long]))
            #expect(try archive(directory).cursor == Frames.position(2))
        }
    }

    @Test("Writes that the system takes in pieces arrive whole", arguments: [1, 7, 64])
    func shortWrites(_ piece: Int) throws {
        try withDirectory { directory in
            let writer = try archive(directory, FileSegmentOpener(writeBytesMax: piece))
            _ = try writer.append(batch(frames(1...9)))
            #expect(try text(directory) == (1...9).map(Frames.line).joined())
        }
    }

    @Test(
        "After a failure the files are cut to what was synced, and each message is written once",
        arguments: [FaultySinks.Fault.write, .sync])
    func failure(_ fault: FaultySinks.Fault) throws {
        try withDirectory { directory in
            let sinks = FaultySinks()
            let writer = try archive(directory, sinks)
            let yesterday = Frames.frame(1, at: Frames.midnight - 5)
            _ = try writer.append(batch([yesterday]))
            sinks.fail(fault)
            let overMidnight = [Frames.frame(2, at: Frames.midnight - 1)] + frames(3...4)
            for _ in 0..<3 {
                #expect(throws: SegmentError.self) { try writer.append(batch(overMidnight)) }
            }
            #expect(writer.cursor?.seq == 1)
            sinks.fail(nil)
            _ = try writer.append(batch(overMidnight))
            #expect(try text(directory) == Frames.line(3) + Frames.line(4))
            #expect(try text(directory, "2026-11-20.jsonl").split(separator: "\n").count == 2)
            #expect(try archive(directory).cursor == Frames.position(4))
        }
    }

    @Test("Nothing is written into a file that is gone, or that somebody else wrote to")
    func tamperedFile() throws {
        try withDirectory { directory in
            let writer = try archive(directory)
            _ = try writer.append(batch(frames(1...2)))
            let path = "\(directory)/general/2026-11-21.jsonl"
            try FileManager.default.moveItem(atPath: path, toPath: path + ".away")
            let gone = #expect(throws: SegmentError.self) { try writer.append(batch(frames(3...3))) }
            #expect(gone?.reason == "the file is gone. Put back, it is written on; a restart goes on without it")
            #expect(!FileManager.default.fileExists(atPath: path))
            try FileManager.default.moveItem(atPath: path + ".away", toPath: path)
            _ = try writer.append(batch(frames(3...3)))
            try (try text(directory) + "x").write(toFile: path, atomically: false, encoding: .utf8)
            #expect(throws: SegmentError.self) { try writer.append(batch(frames(4...4))) }
        }
    }

    @Test("Closed days are chained: each line of the manifest holds the hash of the line before")
    func manifest() throws {
        try withDirectory { directory in
            let writer = try archive(directory)
            let day: UInt64 = 86_400_000
            for number in 1...3 as ClosedRange<UInt64> {
                _ = try writer.append(batch([Frames.frame(number, at: Frames.midnight + number * day)]))
            }
            #expect(
                try writer.close(through: Frames.midnight + 3 * day).map(\.fileName) == [
                    "2026-11-22.jsonl", "2026-11-23.jsonl",
                ])
            #expect(try writer.close(through: Frames.midnight + 3 * day).isEmpty)
            // A torn line at its end is written anew, and closed days stay closed over a restart.
            let path = "\(directory)/general/manifest.jsonl"
            try (try text(directory, "manifest.jsonl") + "{\"file\":").write(
                toFile: path, atomically: true, encoding: .utf8)
            let next = try archive(directory)
            #expect(try next.close(through: Frames.midnight + 9 * day).map(\.fileName) == ["2026-11-24.jsonl"])
            let lines = try text(directory, "manifest.jsonl").split(separator: "\n")
            #expect(lines.count == 3)
            var previous = ""
            for (index, line) in lines.enumerated() {
                let entry = try #require(ManifestEntry.decode(ByteBuffer(substring: line)))
                #expect(entry.previous == previous)
                previous = Manifest.hash(ByteBuffer(substring: line))
                let file = try text(directory, entry.file)
                #expect(entry.sha256 == Manifest.hash(ByteBuffer(string: file)))
                #expect(entry.bytes == UInt64(file.utf8.count) && entry.lines == 1)
                #expect(entry.firstSeq == UInt64(index + 1) && entry.lastSeq == UInt64(index + 1))
            }
            #expect(lines[0].hasPrefix("{\"file\":\"2026-11-22.jsonl\",\"first_id\":"))
        }
    }

    @Test("Late messages with lower ids get their place, each once, with a gap line behind them")
    func merging() throws {
        try withDirectory { directory in
            let writer = try archive(directory)
            _ = try writer.append(batch(frames(1...4)))
            let late = Frames.frame(3, at: Frames.frame(2).id.milliseconds + 5, text: "late")
            let all = frames(1...2) + [late] + frames(3...3)
            #expect(try writer.lacking(all) == [late])
            try writer.merge([late], into: Segment(of: late.id), now: 9, epoch: 2)
            #expect(try writer.lacking(all).isEmpty)
            let lines = try text(directory).split(separator: "\n").map {
                ArchiveLineCoder.decode(ByteBuffer(substring: $0))
            }
            let seqs = lines.map { line in if case .message(let position) = line { position.seq } else { UInt64(0) } }
            #expect(seqs == [1, 2, 3, 0, 3, 4])
            _ = try writer.append(batch(frames(5...5)))
            #expect(try archive(directory).cursor == Frames.position(5))
        }
    }
}
