import Foundation
import NIOCore
import RelaySettings
import RelayTestKit
import Testing

@testable import RelayArchive
@testable import martlet

@Suite("What `martlet archive` prints")
struct ArchiveCommandTests {
    private static func report() -> ArchiveReport {
        var report = ArchiveReport()
        (report.rooms, report.days, report.provenDays) = (1, 3, 2)
        (report.lines, report.messages) = (12, 11)
        report.recordedGaps = [
            .init(place: "general/2026-11-21.jsonl line 4", problem: "missing, numbers 4 to 5 missing")
        ]
        return report
    }

    @Test("A sound archive is its recorded gaps and a line of figures")
    func sound() {
        #expect(
            Self.report().lines() == [
                "recorded gap: general/2026-11-21.jsonl line 4: missing, numbers 4 to 5 missing",
                "all is accounted for: 1 room, 3 days (2 closed and proven), 12 lines, 1 gap recorded",
            ])
    }

    @Test("Findings come first, each on a line of its own, and nothing in them can drive a terminal")
    func findings() {
        var report = Self.report()
        report.recordedGaps = []
        report.findings = [
            .init(place: "general/2026-11-21.jsonl line 2", problem: "neither a message nor a gap"),
            .init(place: "general/a\u{1b}[2Jb", problem: "x\ny"),
        ]
        let lines = report.lines()
        #expect(lines[0] == "general/2026-11-21.jsonl line 2: neither a message nor a gap")
        #expect(lines[1] == "general/ab: x y")
        #expect(lines[2].hasPrefix("2 findings: 1 room, ") && lines[2].hasSuffix(", 0 gaps recorded"))
        #expect(lines.count == 3)
    }

    @Test("As JSON it is one line with all of it")
    func json() throws {
        var report = Self.report()
        report.findings = [.init(place: "general/room.json", problem: "missing")]
        report.prunedDays = [.init(place: "general/2026-11-01.jsonl", lines: 9)]
        report.unfinishedLines = [.init(place: "general/2026-11-22.jsonl line 3", problem: "it has no end")]
        #expect(
            try report.json()
                == #"{"days":3,"findings":[{"place":"general/room.json","problem":"missing"}],"#
                + #""gaps":[{"place":"general/2026-11-21.jsonl line 4","problem":"missing, numbers 4 to 5 missing"}],"#
                + #""leftovers":[],"lines":12,"messages":11,"proven_days":2,"#
                + #""pruned":[{"lines":9,"place":"general/2026-11-01.jsonl"}],"rooms":1,"#
                + #""unfinished":[{"place":"general/2026-11-22.jsonl line 3","problem":"it has no end"}]}"#)
    }

    @Test("A short proof says nothing of its progress, a long one draws a row a few times a second and takes it away")
    func progress() {
        var bar = ProgressBar()
        let words = ArchiveProgress(rooms: 2, roomsInAll: 9, lines: 500).words
        #expect(bar.text(done: 2, of: 8, words, after: .milliseconds(1999)) == nil)
        #expect(bar.cleared() == nil)
        #expect(
            bar.text(done: 2, of: 8, words, after: .seconds(2))
                == "\r\u{1b}[K[#####...............] 25 %, room 3 of 9, 500 lines, 6 s left")
        #expect(bar.text(done: 3, of: 8, words, after: .milliseconds(2199)) == nil)
        #expect(bar.text(done: 3, of: nil, "7 messages", after: .milliseconds(2200)) == "\r\u{1b}[K7 messages")
        #expect(bar.text(done: 9, of: 8, words, after: .seconds(3))?.contains("[####################] 100 %") == true)
        #expect(bar.cleared() == "\r\u{1b}[K")
    }

    @Test("What is no archive is refused by name before anything is read")
    func directory() throws {
        let directory = try TemporaryDirectory.make("martlet-archive")
        defer { TemporaryDirectory.remove(directory) }
        #expect(try ArchiveDirectory.checked(directory) == directory)
        #expect(throws: SettingError(setting: "DIR", problem: "/nonexistent: there is no such directory")) {
            try ArchiveDirectory.checked("/nonexistent")
        }
        try Data().write(to: URL(filePath: "\(directory)/room.json"))
        #expect(throws: SettingError.self) { try ArchiveDirectory.checked("\(directory)/room.json") }
        #expect(throws: SettingError.self) { try ArchiveDirectory.checked(directory) }
    }

    @Test("Output is written whole, and a failure to write is told apart from a reader who has gone")
    func output() throws {
        let directory = try TemporaryDirectory.make("martlet-output")
        defer { TemporaryDirectory.remove(directory) }
        let path = "\(directory)/out"
        #expect(FileManager.default.createFile(atPath: path, contents: nil))
        let file = try #require(FileHandle(forUpdatingAtPath: path))
        var output = BulkOutput(descriptor: file.fileDescriptor)
        let line = String(repeating: "x", count: 100_000)
        output.addLine(ByteBuffer(string: "one"))
        output.addLine(line)
        #expect(output.flush() == .written)
        #expect(output.flush() == .written)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "one\n\(line)\n")
        let full = try #require(FileHandle(forWritingAtPath: "/dev/full"))
        var failing = BulkOutput(descriptor: full.fileDescriptor)
        failing.addLine("x")
        #expect(failing.flush() == .failed(ENOSPC))
    }
}
