import Foundation
import NIOCore
import RelayCore
import RelayTestKit

@testable import RelayArchive

/// An archive of one room over five days, four of them closed, with a recorded gap; it goes with the last reference.
final class SmallArchive {
    static let day: UInt64 = 86_400_000
    /// 2026-11-21 to 2026-11-25; numbers 6 and 7 are missing.
    static let frames: [StoredFrame] = [1, 2, 3, 4, 5, 8, 9, 10, 11, 12].map { (seq: UInt64) in
        Frames.frame(seq, at: Frames.midnight + (seq - 1) / 3 * day + seq)
    }
    static let files = (21...24).map { "2026-11-\($0).jsonl" }
    static var openFile: String { Segment(milliseconds: Frames.midnight + 4 * day).fileName }

    let directory: String
    let archive: RoomArchive
    var folder: String { "\(directory)/general" }

    init(_ opener: any SegmentOpener = FileSegmentOpener()) throws {
        directory = try TemporaryDirectory.make("martlet-small")
        archive = try RoomArchive(room: Frames.room, directory: directory, opener: opener)
        var standing = ArchiveStanding(epoch: 1, seq: 0, archived: nil, createdAt: 5)
        (standing.name, standing.createdBy) = ("General", "alice")
        try archive.write(RoomRecord(room: Frames.room, standing: standing))
        let gap = ArchiveGap(fromSeq: 6, toSeq: 7, reason: .missing, milliseconds: 9)
        var batch = ArchiveBatch()
        var last: UInt64 = 0
        for frame in Self.frames {
            batch.append(frame, after: frame.seq == last + 1 ? nil : gap)
            last = frame.seq
        }
        _ = try archive.append(batch)
        _ = try archive.append(Self.batch([Self.newest]))
        _ = try archive.close(through: Frames.midnight + 4 * Self.day)
    }

    deinit { TemporaryDirectory.remove(directory) }

    /// The one message of the open day, late enough in it for the days before to be closed.
    static let newest = Frames.frame(13, at: Frames.midnight + 4 * day + 7_200_000)

    static func batch(_ frames: [StoredFrame]) -> ArchiveBatch {
        var batch = ArchiveBatch()
        for frame in frames { batch.append(frame, after: nil) }
        return batch
    }

    /// The archive as another run of the archiver finds it.
    func reopened() throws -> RoomArchive {
        try RoomArchive(room: Frames.room, directory: directory, opener: FileSegmentOpener())
    }

    func verify() throws -> ArchiveReport { try ArchiveVerifier(directory: directory).verify() }

    func prune(before day: String, isReal: Bool = true) throws -> PruneReport {
        try ArchivePruner(directory: directory)
            .prune(Frames.room, before: Segment(fileName: day + ".jsonl").unsafelyPresent, at: 77, isReal: isReal)
    }

    func data(_ file: String) throws -> Data { try Data(contentsOf: URL(filePath: "\(folder)/\(file)")) }
    func write(_ data: Data, to file: String) throws { try data.write(to: URL(filePath: "\(folder)/\(file)")) }
    func remove(_ file: String) throws { try FileManager.default.removeItem(atPath: "\(folder)/\(file)") }
    func exists(_ file: String) -> Bool { FileManager.default.fileExists(atPath: "\(folder)/\(file)") }
    func lines(_ file: String) throws -> [String] {
        try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8).split(separator: "\n").map(String.init)
    }
    func edit(_ file: String, _ change: (inout [String]) -> Void) throws {
        var all = try lines(file)
        change(&all)
        try write(Data((all.joined(separator: "\n") + "\n").utf8), to: file)
    }
}
