import Foundation
import NIOCore
import RelayCore
import RelayTestKit
import Testing

@testable import RelayArchive

@Suite("The proof of an archive")
struct ArchiveVerifierTests {
    /// Three days, the first two closed, with a recorded gap on the second; then something is done to it.
    private func verify(
        _ change: (String) throws -> Void = { _ in }, onProgress: (ArchiveProgress) -> Void = { _ in }
    ) throws -> ArchiveReport {
        let directory = try TemporaryDirectory.make("martlet-verify")
        defer { TemporaryDirectory.remove(directory) }
        let archive = try RoomArchive(room: Frames.room, directory: directory, opener: FileSegmentOpener())
        let standing = ArchiveStanding(epoch: 1, seq: 0, archived: nil, createdAt: 5)
        try archive.write(RoomRecord(room: Frames.room, standing: standing))
        let day: UInt64 = 86_400_000
        var machine = ArchiveStateMachine(cursor: nil, knownEpoch: nil, marker: nil)
        let entries = [1, 2, 3, 6, 7, 8, 9].map { (number: UInt64) in
            StreamEntry.frame(Frames.frame(number, at: Frames.midnight + (number / 3) * day + number))
        }
        let look = StreamLook(
            now: 9, standing: ArchiveStanding(epoch: 1, seq: 9, archived: nil, createdAt: 5), entries: entries,
            oldestID: entries.first?.id, lastID: entries.last?.id)
        guard case .append(let batch) = machine.lookArrived(look, limit: 100) else { return ArchiveReport() }
        _ = try archive.append(batch)
        _ = try archive.close(through: Frames.midnight + 3 * day)
        try change("\(directory)/general")
        return try ArchiveVerifier(directory: directory).verify(progress: onProgress)
    }

    private func edit(_ file: String, _ change: @escaping (inout [String]) -> Void) -> (String) throws -> Void {
        { folder in
            let path = "\(folder)/\(file)"
            var lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
            change(&lines)
            try (lines.joined(separator: "\n") + "\n").write(toFile: path, atomically: true, encoding: .utf8)
        }
    }

    @Test("An archive as the archiver leaves it is accounted for, recorded gaps included")
    func sound() throws {
        let report = try verify()
        #expect(report.findings.isEmpty)
        #expect(report.rooms == 1 && report.messages == 7 && report.provenDays == 3)
        #expect(report.recordedGaps.map(\.problem) == ["missing, numbers 4 to 5 missing"])
    }

    @Test("A file beside the rooms' folders is no room, whatever its name")
    func strayFile() throws {
        let report = try verify { folder in
            try "read me\n".write(toFile: "\(folder)/../README", atomically: true, encoding: .utf8)
            // A folder may lie elsewhere.
            try FileManager.default.moveItem(atPath: folder, toPath: "\(folder)/../.elsewhere")
            try FileManager.default.createSymbolicLink(atPath: folder, withDestinationPath: ".elsewhere")
        }
        #expect(report.findings.isEmpty && report.rooms == 1 && report.messages == 7, "\(report.findings)")
    }

    @Test("An unfinished last line of the day that is being written is told, is no line, and no finding")
    func beingWritten() throws {
        let report = try verify { folder in
            let handle = try #require(FileHandle(forWritingAtPath: "\(folder)/2026-11-24.jsonl"))
            try handle.seekToEnd()
            try handle.write(contentsOf: Data("{\"id\":\"17".utf8))
        }
        #expect(report.findings.isEmpty)
        #expect(report.unfinishedLines.map(\.description) == ["general/2026-11-24.jsonl line 2: it has no end"])
        #expect(report.lines == (try verify { _ in }).lines)
    }

    @Test("A line that was taken out is named, in a closed day and in the open one")
    func missingLine() throws {
        let closed = try verify(edit("2026-11-21.jsonl") { $0.removeLast() })
        #expect(closed.findings.map(\.place).contains("general/2026-11-21.jsonl"))
        #expect(closed.findings.contains { $0.problem.contains("number 3 follows on 1") })
        let gapLine = try verify(edit("2026-11-23.jsonl") { $0.removeFirst() })
        #expect(gapLine.findings.contains { $0.problem.contains("number 6 follows on 3") })
    }

    @Test("A changed byte, a missing day, a missing record and a broken chain are each named")
    func changes() throws {
        let changed = try verify(edit("2026-11-22.jsonl") { $0[0] = $0[0].replacing("message 3", with: "message 4") })
        #expect(changed.findings.map(\.place) == ["general/2026-11-22.jsonl"])
        #expect(changed.findings.first?.problem.hasPrefix("changed since it was closed: 1 lines") == true)

        let missing = try verify { try FileManager.default.removeItem(atPath: "\($0)/2026-11-22.jsonl") }
        #expect(
            missing.findings.contains { $0.description == "general/2026-11-22.jsonl: missing: the manifest closes it" })

        let record = try verify { try FileManager.default.removeItem(atPath: "\($0)/room.json") }
        #expect(record.findings.map(\.place) == ["general/room.json"])

        let chain = try verify(edit("manifest.jsonl") { $0.remove(at: 1) })
        #expect(chain.findings.contains { $0.problem.contains("line 2 does not follow") })
        #expect(chain.findings.contains { $0.problem.contains("not in the manifest") })
    }

    @Test("Ids that do not ascend or stand in another day's file are named")
    func order() throws {
        let swapped = try verify(edit("2026-11-23.jsonl") { $0.swapAt(2, 3) })
        #expect(swapped.findings.contains { $0.problem.contains("is not above") })
        let stray = try verify(edit("2026-11-24.jsonl") { $0.append(String(buffer: Frames.frame(10).envelope)) })
        #expect(stray.findings.contains { $0.problem.contains("belongs to another day") })
    }

    @Test("A whole line that is none is named in the day that is being written too")
    func garbage() throws {
        let report = try verify(edit("2026-11-24.jsonl") { $0.append("garbage") })
        #expect(report.findings.map(\.description) == ["general/2026-11-24.jsonl line 2: neither a message nor a gap"])
    }

    @Test("Of a file that is wrong throughout a page of findings is told, what the manifest says of it first")
    func manyFindings() throws {
        let most = ArchiveReport.findingsPerFileMax
        let closed = try verify(edit("2026-11-22.jsonl") { $0 = Array(repeating: "x", count: most + 20) })
        let findings = closed.findings.filter { $0.place.contains("2026-11-22") }
        #expect(findings.count == most + 1)
        #expect(findings.first?.problem.hasPrefix("changed since it was closed") == true)
        #expect(findings.last?.description == "general/2026-11-22.jsonl: 21 more of this kind")
        #expect(closed.findings.contains { $0.place == "general/2026-11-23.jsonl line 2" })
    }

    @Test("The figures count all that was read, and the progress ends with them")
    func figures() throws {
        var progress: [ArchiveProgress] = []
        let report = try verify(onProgress: { progress.append($0) })
        #expect(report.days == 4 && report.lines == 8)
        #expect(progress.map(\.lines) == [2, 3, 7, 8])
        #expect(progress.allSatisfy { $0.rooms == 0 && $0.roomsInAll == 1 })
    }

    @Test("A directory that is not there is an error, not a sound archive")
    func noDirectory() {
        #expect(throws: SegmentError.self) { try ArchiveVerifier(directory: "/tmp/martlet-no-such-archive").verify() }
    }
}
