import ArgumentParser
import Glibc
import NIOCore
import RelayArchive
import RelayCore
import RelaySettings

/// `martlet archive cat`: a room's messages as they stand in the files.
struct ArchiveCatCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cat",
        abstract: "Print the messages of a room, an envelope a line, the oldest first.",
        discussion: """
            The bytes are those of the files; gap lines are left out. Days that were pruned, and numbers that no \
            message has, are told on standard error; `martlet archive verify` says why.

            Exit codes: 0 printed, 1 no such room in the archive or a file that cannot be read, 64 a wrong setting.

            Examples:
              martlet archive cat DIR general | jq -r .text
              martlet archive cat DIR dm:alice+bob --since 1763691000000
              martlet archive cat DIR general --since 2h
            """)

    @Argument(help: ArgumentHelp("The directory of the archive.", valueName: "DIR"), completion: .directory)
    var directory: String

    @Argument(help: ArgumentHelp("The room.", valueName: "ROOM"))
    var room: RoomArgument

    @Option(
        help: ArgumentHelp(
            "Only what comes after this message id, this time in ms, or so long ago (2h).", valueName: "ID"))
    var since: String?

    @Option(help: ArgumentHelp("Nothing that comes after this message id, or so long ago.", valueName: "ID"))
    var until: String?

    @Option(help: ArgumentHelp("At most so many messages.", valueName: "N"))
    var limit: Int?

    /// Messages that are in memory at a time.
    private static let pageMessages = 1000

    func run() async throws {
        let directory = try ArchiveDirectory.checked(directory)
        var position = try since.map { try Checked.point("--since", $0) } ?? .zero
        let end = try until.map { try Checked.point("--until", $0) }
        var left = try limit.map { try Checked.number("--limit", $0, in: 1...Int.max) } ?? .max
        let reader = ArchiveReader(directory: directory)
        var output = BulkOutput()
        var (row, printed) = (ProgressRow(), UInt64(0))
        var passed = PassedNumbers()
        // Lines that go to the same terminal would be written into the row.
        let isOnTerminal = isatty(STDOUT_FILENO) == 1
        do {
            guard try reader.rooms().contains(room.id) else { throw ArchiveDirectory.lacks(room.id, directory) }
            try tellPruned(reader, after: position, upTo: end)
            while left > 0 {
                let page = try reader.read(.after(position, limit: min(left, Self.pageMessages)), of: room.id)
                for frame in page.frames {
                    if let end, frame.id > end {
                        left = 0
                        break
                    }
                    output.addLine(frame.envelope)
                    passed.came(frame.seq)
                }
                if isOnTerminal { row.clear() }
                try output.flushOrExit()
                guard left > 0, page.more, let last = page.frames.last else { break }
                position = last.id
                printed += UInt64(page.frames.count)
                row.tell(done: printed, of: limit.map { UInt64($0) }, "\(printed) messages, up to \(last.id)")
                left -= page.frames.count
            }
            row.clear()
            if let text = passed.text { Console.complain("\(room.id): \(text), `martlet archive verify` says why") }
        } catch let error as SegmentError {
            row.clear()
            try output.flushOrExit()
            Console.complain(PlainText.cleaned("\(error)"))
            throw ExitCode(1)
        }
    }

    /// Numbers that no message has, between those that were printed. Where they begin anew Redis was rewound.
    private struct PassedNumbers {
        private var last: UInt64?
        private var first: UInt64?
        private var count: UInt64 = 0

        mutating func came(_ seq: UInt64) {
            if let last, seq > last, seq - last > 1 {
                first = first ?? last + 1
                count += seq - last - 1
            }
            last = seq
        }

        /// Nil where there are none.
        var text: String? {
            guard let first else { return nil }
            return count == 1 ? "number \(first) has no message" : "\(count) numbers from \(first) on have no message"
        }
    }

    /// What was asked for and is not there any more.
    private func tellPruned(
        _ reader: ArchiveReader, after start: MessageID, upTo end: MessageID?
    ) throws(SegmentError) {
        let days = try reader.prunedDays(of: room.id).filter { day in
            day.last.id > start && end.map { day.first.id <= $0 } ?? true
        }
        guard let first = days.first, let last = days.last else { return }
        let span = first == last ? "\(first.segment)" : "\(first.segment) to \(last.segment)"
        let lines = days.reduce(0) { $0 + $1.lines }
        Console.complain(
            "\(room.id): pruned: \(days.count) day\(days.count == 1 ? "" : "s"), \(span), \(lines) "
                + "line\(lines == 1 ? "" : "s")")
    }
}
