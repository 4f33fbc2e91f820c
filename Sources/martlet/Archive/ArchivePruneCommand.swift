import ArgumentParser
import Foundation
import RelayArchive
import RelayCore
import RelaySettings

/// `martlet archive prune`: days that nobody needs any more.
struct ArchivePruneCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Remove days from the archive; their lines in the manifest stay.",
        discussion: """
            Only days that are closed are removed, and only as they were closed: one that was changed since, or is \
            being written to, stays and is named. The manifest says first what is removed, so that `martlet archive \
            verify` can tell it from what is lost. The archiver may be at work meanwhile. Stopped in between, the same \
            command goes on.

            Exit codes: 0 all of it is removed, 1 something before that day stays or cannot be removed, 64 a wrong \
            setting.

            Examples:
              martlet archive prune DIR --before 2026-01-01 --dry-run
              martlet archive prune DIR --before 2026-01-01 --room general
            """)

    @Argument(help: ArgumentHelp("The directory of the archive.", valueName: "DIR"), completion: .directory)
    var directory: String

    @Option(help: ArgumentHelp("The first day that stays, in UTC.", valueName: "YYYY-MM-DD"))
    var before: String

    @Option(help: ArgumentHelp("Only this room.", valueName: "ROOM"))
    var room: RoomArgument?

    @Flag(help: "Say what would be done, and do nothing.")
    var dryRun = false

    func run() async throws {
        let directory = try ArchiveDirectory.checked(directory)
        guard let day = Segment(fileName: before + ".jsonl") else {
            throw SettingError(setting: "--before", problem: "it takes a day, 2026-01-01")
        }
        var totals = PruneReport()
        var (rooms, isWhole) = (0, true)
        var row = ProgressRow()
        do {
            let all = try ArchiveReader(directory: directory).rooms()
            if let room, !all.contains(room.id) { throw ArchiveDirectory.lacks(room.id, directory) }
            let names = room.map { [$0.id] } ?? all
            for (index, name) in names.enumerated() {
                row.tell(done: UInt64(index), of: UInt64(names.count), "room \(index + 1) of \(names.count)")
                guard let report = prune(name, before: day, in: directory, row) else {
                    isWhole = false
                    continue
                }
                if !report.kept.isEmpty { row.clear() }
                for kept in report.kept {
                    Console.complain(PlainText.cleaned("\(name): \(kept.file): \(kept.reason)"))
                }
                isWhole = isWhole && report.kept.isEmpty
                rooms += report.days > 0 ? 1 : 0
                totals.days += report.days
                totals.lines += report.lines
                totals.bytes += report.bytes
            }
        } catch let error as SegmentError {
            row.clear()
            throw ArchiveDirectory.refusal(directory, error.reason)
        }
        row.clear()
        Console.say(totals.line(rooms: rooms, isDryRun: dryRun))
        if !isWhole { throw ExitCode(1) }
    }

    private func prune(_ room: RoomID, before day: Segment, in directory: String, _ row: ProgressRow) -> PruneReport? {
        let now = UInt64(max(0, Date.now.timeIntervalSince1970 * 1000))
        do {
            return try ArchivePruner(directory: directory).prune(room, before: day, at: now, isReal: !dryRun)
        } catch {
            row.clear()
            Console.complain(PlainText.cleaned("\(room): \(error)"))
            return nil
        }
    }
}

extension PruneReport {
    /// For people.
    func line(rooms: Int, isDryRun: Bool) -> String {
        func count(_ number: some BinaryInteger, _ noun: String) -> String {
            "\(number) \(noun)\(number == 1 ? "" : "s")"
        }
        let what = "\(count(days, "day")) of \(count(rooms, "room")), \(count(lines, "line")), \(count(bytes, "byte"))"
        return isDryRun ? "would remove \(what); nothing was changed" : "removed \(what)"
    }
}
