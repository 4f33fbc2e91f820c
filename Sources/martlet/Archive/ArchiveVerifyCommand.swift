import ArgumentParser
import Foundation
import RelayArchive
import RelayCore
import RelaySettings

/// `martlet archive verify`: whether all is there and as it was written.
struct ArchiveVerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Prove an archive complete, or say what is missing or changed.",
        discussion: """
            Reads every line. Numbers may have no hole but those that the archiver wrote down itself, and a day that \
            is over has to be as it was closed. Each finding is a line that says file, place and what is wrong; \
            recorded gaps, pruned days and a last line without its end are told too, and are no findings. The archiver \
            may be at work meanwhile.

            Exit codes: 0 all is accounted for, 1 something is missing or changed, or there is no such room, 64 a \
            wrong setting.

            Examples:
              martlet archive verify /var/lib/martlet/archive
              martlet archive verify /var/lib/martlet/archive general
              martlet archive verify ~/.local/state/martlet/archive --json | jq .findings
            """)

    @Argument(help: ArgumentHelp("The directory of the archive.", valueName: "DIR"), completion: .directory)
    var directory: String

    @Argument(help: ArgumentHelp("This room alone.", valueName: "ROOM"))
    var room: RoomArgument?

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() async throws {
        let directory = try ArchiveDirectory.checked(directory)
        var row = ProgressRow()
        let report: ArchiveReport
        do {
            report = try ArchiveVerifier(directory: directory).verify(room?.id) { progress in
                row.tell(done: UInt64(progress.rooms), of: UInt64(progress.roomsInAll), progress.words)
            }
        } catch {
            row.clear()
            throw ArchiveDirectory.refusal(directory, error.reason)
        }
        row.clear()
        if let room, report.rooms == 0 { throw ArchiveDirectory.lacks(room.id, directory) }
        let text = json ? try report.json() : report.lines().joined(separator: "\n")
        var output = BulkOutput()
        output.addLine(text)
        let code: Int32 = report.findings.isEmpty ? 0 : 1
        try output.flushOrExit(unreadCode: code)
        throw ExitCode(code)
    }
}

extension ArchiveProgress {
    /// For people.
    var words: String { "room \(min(rooms + 1, roomsInAll)) of \(roomsInAll), \(lines) lines" }
}

extension ArchiveReport {
    /// For people: findings, recorded gaps, and a line of figures.
    func lines() -> [String] {
        let found = findings.map { PlainText.cleaned("\($0)") }
        let gaps = recordedGaps.map { PlainText.cleaned("recorded gap: \($0)") }
        let unfinished = unfinishedLines.map {
            PlainText.cleaned("unfinished line: \($0); an archiver is writing it, or cuts it off when it starts")
        }
        let left = leftovers.map { PlainText.cleaned("pruned, and still there: \($0); prune once more") }
        var figures = [
            Self.count(rooms, "room"), "\(Self.count(days, "day")) (\(provenDays) closed and proven)",
            Self.count(lines, "line"), "\(Self.count(recordedGaps.count, "gap")) recorded",
        ]
        if !prunedDays.isEmpty {
            let lines = prunedDays.reduce(0) { $0 + $1.lines }
            figures.append("\(Self.count(prunedDays.count, "day")) with \(Self.count(lines, "line")) pruned")
        }
        let verdict = findings.isEmpty ? "all is accounted for" : Self.count(findings.count, "finding")
        return found + gaps + unfinished + left + ["\(verdict): \(figures.joined(separator: ", "))"]
    }

    /// For programs: one object on one line.
    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(Fields(self)), as: UTF8.self)
    }

    private static func count(_ number: some BinaryInteger, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }

    private struct Fields: Encodable {
        var rooms: Int
        var days: Int
        var provenDays: Int
        var lines: UInt64
        var messages: UInt64
        var gaps: [Finding]
        var findings: [Finding]
        var pruned: [PrunedDay]
        var leftovers: [String]
        var unfinished: [Finding]

        init(_ report: ArchiveReport) {
            (rooms, days, provenDays) = (report.rooms, report.days, report.provenDays)
            (lines, messages) = (report.lines, report.messages)
            (gaps, findings) = (report.recordedGaps, report.findings)
            (pruned, leftovers, unfinished) = (report.prunedDays, report.leftovers, report.unfinishedLines)
        }

        enum CodingKeys: String, CodingKey {
            case rooms, days, lines, messages, gaps, findings, pruned, leftovers, unfinished
            case provenDays = "proven_days"
        }
    }
}
