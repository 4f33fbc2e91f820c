import Foundation
import NIOCore
import RelayCore
import RelayTestKit
import Testing

@testable import RelayArchive

@Suite("Days that are removed on purpose")
struct ArchivePrunerTests {
    @Test("Closed days before the date go, their lines stay, and the proof tells pruned from lost")
    func pruning() throws {
        let small = try SmallArchive()
        let manifest = try small.data("manifest.jsonl")
        let plan = try small.prune(before: "2026-11-23", isReal: false)
        #expect(plan.days == 2 && plan.lines == 5 && plan.kept.isEmpty)
        #expect(try small.data("manifest.jsonl") == manifest && small.exists("2026-11-21.jsonl"))
        #expect(try small.prune(before: "2026-11-23") == plan)
        #expect(try small.data("manifest.jsonl").starts(with: manifest))
        let line = try #require(try small.lines("manifest.jsonl").last)
        #expect(
            line.hasPrefix(
                #"{"pruned":["2026-11-21.jsonl","2026-11-22.jsonl"],"before":"2026-11-23","ts":77,"previous":""#))
        #expect(!small.exists("2026-11-21.jsonl") && !small.exists("2026-11-22.jsonl"))
        let report = try small.verify()
        #expect(report.findings.isEmpty, "\(report.findings)")
        #expect(report.prunedDays.map(\.place) == SmallArchive.files.prefix(2).map { "general/\($0)" })
        #expect(report.prunedDays.map(\.lines) == [3, 2] && report.provenDays == 2 && report.leftovers.isEmpty)
        // Once more there is nothing to do, and nothing is written.
        let after = try small.data("manifest.jsonl")
        #expect(try small.prune(before: "2026-11-23") == PruneReport())
        #expect(try small.data("manifest.jsonl") == after)
        // A file that somebody removed by hand is still missing.
        try small.remove("2026-11-23.jsonl")
        #expect(
            try small.verify().findings.map(\.description)
                == ["general/2026-11-23.jsonl: missing: the manifest closes it"])
    }

    @Test("Without the line that says so, or with a changed one, a pruned day is a missing day")
    func lineRemoved() throws {
        let small = try SmallArchive()
        _ = try small.prune(before: "2026-11-23")
        let whole = try small.data("manifest.jsonl")
        try small.edit("manifest.jsonl") { $0.removeLast() }
        #expect(try small.verify().findings.count { $0.problem == "missing: the manifest closes it" } == 2)
        try small.write(whole, to: "manifest.jsonl")
        try small.edit("manifest.jsonl") {
            $0[$0.count - 1] = $0[$0.count - 1].replacing("2026-11-21.jsonl", with: "2026-11-24.jsonl")
        }
        let findings = try small.verify().findings.map(\.description)
        #expect(
            findings == [
                "general/manifest.jsonl: line 5 is no manifest entry",
                "general/2026-11-21.jsonl: missing: the manifest closes it",
                "general/2026-11-22.jsonl: missing: the manifest closes it",
            ])
    }

    @Test("A line that names a file which no line closes is named")
    func strangeLine() throws {
        let small = try SmallArchive()
        let file = try ManifestFile(folder: small.folder, opener: FileSegmentOpener(), isWaiting: false)
        var manifest = try file.read()
        let length = manifest.length
        let line = manifest.appending(.pruned(before: "2026-12-01"), ["2026-11-30.jsonl"], at: 5)
        try file.append(line, behind: length)
        #expect(
            try small.verify().findings.map(\.description)
                == ["general/manifest.jsonl: line 5 names 2026-11-30.jsonl, which no line closes"])
    }

    @Test("The open day stays, and so does a day that is not as it was closed, or whose manifest is not")
    func kept() throws {
        let small = try SmallArchive()
        let damaged = try small.data("2026-11-22.jsonl")
        try small.write(damaged.dropLast(4), to: "2026-11-22.jsonl")
        let report = try small.prune(before: "2027-01-01")
        #expect(report.days == 3)
        #expect(
            report.kept == [
                .init(file: "2026-11-22.jsonl", reason: "changed since it was closed"),
                .init(file: SmallArchive.openFile, reason: "not closed yet"),
            ])
        #expect(small.exists("2026-11-22.jsonl") && small.exists(SmallArchive.openFile))
        try small.edit("manifest.jsonl") { $0.remove(at: 0) }
        let refused = try small.prune(before: "2027-01-01")
        #expect(refused.days == 0 && refused.kept.map(\.file) == ["manifest.jsonl"])
    }

    @Test("Stopped between the line and the files, it is told by the proof and finished by the next run")
    func crashBetween() throws {
        let small = try SmallArchive()
        let files = try SmallArchive.files.prefix(3).map { (name: $0, data: try small.data($0)) }
        _ = try small.prune(before: "2026-11-24")
        let manifest = try small.data("manifest.jsonl")
        for file in files.dropFirst() { try small.write(file.data, to: file.name) }
        let report = try small.verify()
        #expect(report.findings.isEmpty && report.prunedDays.count == 1)
        #expect(report.leftovers == files.dropFirst().map { "general/\($0.name)" })
        #expect(try small.prune(before: "2026-11-24").days == 2)
        #expect(files.allSatisfy { !small.exists($0.name) })
        #expect(try small.data("manifest.jsonl") == manifest)
        // A line that a crash has torn never counted: it is written anew.
        for file in files { try small.write(file.data, to: file.name) }
        for length in stride(from: manifest.count - 1, through: manifest.count - 60, by: -7) {
            try small.write(manifest.prefix(length), to: "manifest.jsonl")
            for file in files { try small.write(file.data, to: file.name) }
            #expect(try small.prune(before: "2026-11-24").days == 3)
            #expect(try small.data("manifest.jsonl") == manifest)
            #expect(try small.verify().findings.isEmpty)
        }
    }

    @Test(
        "The archiver goes on where it was, whether it ran meanwhile or starts anew, and closes days in the same chain")
    func archiverGoesOn() throws {
        for isRestarted in [false, true] {
            let small = try SmallArchive()
            // All that there is: the room was quiet since.
            _ = try small.archive.close(through: Frames.midnight + 5 * SmallArchive.day)
            let running = try small.reopened()
            #expect(try small.prune(before: "2026-12-01").days == 5)
            let archive = isRestarted ? try small.reopened() : running
            #expect(archive.cursor == ArchivePosition(id: SmallArchive.newest.id, seq: 13))
            let next = Frames.frame(14, at: Frames.midnight + 6 * SmallArchive.day)
            try archive.syncStart()
            _ = try archive.append(SmallArchive.batch([next]))
            _ = try archive.close(through: Frames.midnight + 7 * SmallArchive.day)
            let report = try small.verify()
            #expect(report.findings.isEmpty, "\(report.findings)")
            #expect(report.prunedDays.count == 5 && report.provenDays == 1)
            // What the stream still holds of pruned days is not archived once more.
            #expect(try archive.lacking(SmallArchive.frames).isEmpty)
            #expect(try small.reopened().cursor?.seq == 14)
        }
    }

    @Test("While one adds to the manifest the archiver tries again later, and another prune waits")
    func locking() async throws {
        let small = try SmallArchive()
        let lock = try ManifestFile(folder: small.folder, opener: FileSegmentOpener(), isWaiting: false)
        #expect(throws: SegmentError.self) { try small.archive.close(through: .max) }
        let directory = small.directory
        let pruning = Task.detached {
            try ArchivePruner(directory: directory)
                .prune(
                    Frames.room, before: Segment(milliseconds: Frames.midnight + SmallArchive.day), at: 1, isReal: true)
        }
        #expect(small.exists("2026-11-21.jsonl"))
        _ = consume lock
        #expect(try await pruning.value.days == 1)
        #expect(try small.archive.close(through: Frames.midnight + 9 * SmallArchive.day).count == 1)
        #expect(try small.verify().findings.isEmpty)
    }

    @Test("A closed day that gets late messages is opened again in the manifest first, also over a crash")
    func reopening() throws {
        let small = try SmallArchive()
        let late = Frames.frame(5, at: Frames.midnight + SmallArchive.day + 6, text: "late")
        let archive = try small.reopened()
        try archive.merge([late], into: Segment(of: late.id), now: 9, epoch: 3)
        #expect(try small.lines("manifest.jsonl").last?.hasPrefix(#"{"reopened":["2026-11-22.jsonl"],"ts":9,"#) == true)
        #expect(try small.verify().findings.isEmpty)
        #expect(try small.prune(before: "2026-11-23").kept.map(\.reason) == ["not closed yet"])
        // As after a crash: nothing but the files says what is to be done.
        let next = try small.reopened()
        #expect(try next.close(through: Frames.midnight + 4 * SmallArchive.day).map(\.fileName) == ["2026-11-22.jsonl"])
        let report = try small.verify()
        #expect(report.findings.isEmpty && report.provenDays == 3, "\(report.findings)")
    }

    @Test("A reader is told which days were pruned, and reads the rest")
    func reading() throws {
        let small = try SmallArchive()
        _ = try small.prune(before: "2026-11-23")
        let reader = ArchiveReader(directory: small.directory)
        let days = try reader.prunedDays(of: Frames.room)
        #expect(days.map(\.segment.fileName) == ["2026-11-21.jsonl", "2026-11-22.jsonl"])
        #expect(days.map(\.first.seq) == [1, 4] && days.map(\.last.seq) == [3, 5])
        let page = try reader.read(.after(.zero, limit: 100), of: Frames.room)
        #expect(page.frames == SmallArchive.frames.filter { $0.seq > 5 } + [SmallArchive.newest])
    }

    @Test("What is pruned while the archiver cannot close a day stays said when it can", arguments: [true, false])
    func whileClosingFails(isWritten: Bool) throws {
        let sinks = FaultySinks()
        let small = try SmallArchive(sinks)
        let next = Frames.frame(14, at: Frames.midnight + 5 * SmallArchive.day + 1000)
        _ = try small.archive.append(SmallArchive.batch([next]))
        // A sync that fails leaves a whole line, a write that fails a part of one.
        sinks.fail(isWritten ? .sync : .write)
        #expect(throws: SegmentError.self) { try small.archive.close(through: Frames.midnight + 5 * SmallArchive.day) }
        sinks.fail(nil)
        #expect(try small.prune(before: "2026-11-23").days == 2)
        #expect(try small.verify().findings.isEmpty)
        _ = try small.archive.close(through: Frames.midnight + 5 * SmallArchive.day)
        let report = try small.verify()
        #expect(report.findings.isEmpty, "\(report.findings)")
        #expect(report.prunedDays.count == 2 && report.provenDays == 3)
    }
}
