internal import NIOCore
public import RelayCore

/// Proves an archive complete: numbers without a hole but the recorded ones, ids that ascend, days as they were closed.
public struct ArchiveVerifier: Sendable {
    private let directory: String

    /// A verifier of the archive in `directory`.
    public init(directory: String) {
        self.directory = directory
    }

    /// Reads everything. The archiver may be at work meanwhile: an unfinished line at the very end is none of anybody's
    /// business but its own.
    ///
    /// - Parameter progress: told after each day's file.
    /// - Throws: where the directory itself cannot be read.
    public func verify(progress: (ArchiveProgress) -> Void = { _ in }) throws(SegmentError) -> ArchiveReport {
        guard let names = try FileSystem.names(in: directory) else {
            throw SegmentError(call: "opendir", path: directory, reason: "No such directory")
        }
        let folders = names.compactMap { name in RoomFolder.room(named: name).map { (name: name, room: $0) } }
        var report = ArchiveReport()
        for (name, room) in folders {
            var proof = RoomProof(room: room, folder: "\(directory)/\(name)", name: name)
            do {
                try proof.run { lines in
                    progress(
                        ArchiveProgress(
                            rooms: report.rooms, roomsInAll: folders.count, lines: report.lines + lines))
                }
            } catch {
                proof.report.findings.append(.init(place: name, problem: "\(error)"))
            }
            report.rooms += 1
            report.add(proof.report)
        }
        return report
    }
}

/// The proof of one room, walked line by line over all its days.
private struct RoomProof {
    let room: RoomID
    let folder: String
    let name: String
    var report = ArchiveReport()

    private let opener = FileSegmentOpener(isSyncing: false)
    private var last: ArchivePosition?
    /// The gap line that was read since the last message.
    private var gap: ArchiveGap?
    /// How many findings there are of the file that is being read.
    private var findingsOfFile = 0
    /// A day is closed within a minute of its end; so long is allowed for an archiver that catches up.
    private static let closingMillisecondsMax: UInt64 = 3_600_000

    init(room: RoomID, folder: String, name: String) {
        self.room = room
        self.folder = folder
        self.name = name
    }

    /// `fileRead` is told how many lines of this room were read by then.
    mutating func run(fileRead: (UInt64) -> Void) throws(SegmentError) {
        let names = try FileSystem.names(in: folder) ?? []
        var record: RoomRecord?
        if names.contains(RoomRecord.fileName) {
            record = RoomRecord.decode(try WholeFile.read(path(RoomRecord.fileName), with: opener))
        }
        if let record {
            if record.room != room.description {
                find(RoomRecord.fileName, "says that the room is another one than the folder's")
            }
        } else {
            find(RoomRecord.fileName, "missing or unreadable: nobody can say whose room this is")
        }
        let segments = names.compactMap { Segment(fileName: $0) }.sorted()
        let closed = try readManifest(names)
        for file in closed.keys.sorted() where !names.contains(file) {
            findingsOfFile = 0
            find(file, "missing: the manifest closes it")
        }
        for segment in segments {
            findingsOfFile = 0
            try check(segment, closed: closed[segment.fileName], isNewest: segment == segments.last)
            endFile(segment.fileName)
            fileRead(report.lines)
        }
        let newestClosed = closed.keys.compactMap { Segment(fileName: $0) }.max()
        for segment in segments where closed[segment.fileName] == nil {
            findingsOfFile = 0
            if let newestClosed, segment < newestClosed {
                find(segment.fileName, "not in the manifest, although a later day is")
            } else if let last, segment < Segment(of: last.id),
                last.id.milliseconds - segment.endMilliseconds >= Self.closingMillisecondsMax
            {
                find(segment.fileName, "not in the manifest, although the archive goes on to \(last.id)")
            }
        }
    }

    /// The last entry of each file; a day that got late messages after a rewind is closed twice.
    private mutating func readManifest(_ names: [String]) throws(SegmentError) -> [String: ManifestEntry] {
        guard names.contains(Manifest.fileName) else { return [:] }
        var rest = try WholeFile.read(path(Manifest.fileName), with: opener)
        var closed: [String: ManifestEntry] = [:]
        var (previous, number) = ("", 0)
        while let line = rest.readLine() {
            number += 1
            if let entry = ManifestEntry.decode(line) {
                if entry.previous != previous {
                    find(
                        Manifest.fileName,
                        "line \(number) does not follow on the line before it: one is missing or changed")
                }
                closed[entry.file] = entry
            } else {
                find(Manifest.fileName, "line \(number) is no manifest entry")
            }
            previous = Manifest.hash(line)
        }
        endFile(Manifest.fileName)
        return closed
    }

    private mutating func check(_ segment: Segment, closed: ManifestEntry?, isNewest: Bool) throws(SegmentError) {
        let file = segment.fileName
        let sink = try opener.open(path(file), isNew: false)
        defer { sink.close() }
        let isOpen = closed == nil && isNewest
        let lines = LineCollector()
        let digest = try SegmentDigest(sink) { [room] head, line, number in
            lines.all.append(
                .init(head: head, number: number, isTorn: line == nil, isOfRoom: Self.isOf(room, head, line)))
        }
        report.days += 1
        report.lines += digest.lines
        // Before its lines: of those only so many findings are told.
        if let closed { compare(digest, with: closed) }
        for line in lines.all {
            let place = "\(file) line \(line.number)"
            if !line.isOfRoom { find(place, "no message of this room") }
            check(line.head, segment, place, mayBeUnknown: isOpen && line.isTorn)
        }
    }

    private mutating func compare(_ digest: SegmentDigest, with closed: ManifestEntry) {
        let isSame =
            closed.sha256 == digest.sha256 && closed.bytes == digest.bytes && closed.lines == digest.lines
            && closed.firstID == digest.first?.id.description && closed.lastID == digest.last?.id.description
            && closed.firstSeq == digest.first?.seq && closed.lastSeq == digest.last?.seq
        if isSame {
            report.provenDays += 1
        } else {
            find(
                closed.file,
                "changed since it was closed: \(closed.lines) lines, \(closed.bytes) bytes, \(closed.sha256); now "
                    + "\(digest.lines) lines, \(digest.bytes) bytes, \(digest.sha256)")
        }
    }

    private mutating func check(_ head: ArchiveLineHead, _ segment: Segment, _ place: String, mayBeUnknown: Bool) {
        switch head {
        case .unknown:
            if !mayBeUnknown { find(place, "neither a message nor a gap") }
        case .gap(let gap):
            self.gap = gap
            let numbers = gap.fromSeq <= gap.toSeq ? "numbers \(gap.fromSeq) to \(gap.toSeq)" : "no known number"
            report.recordedGaps.append(
                .init(place: "\(name)/\(place)", problem: "\(gap.reason.rawValue), \(numbers) missing"))
        case .message(let position):
            report.messages += 1
            if Segment(of: position.id) != segment { find(place, "the id \(position.id) belongs to another day") }
            if let last, position.id <= last.id { find(place, "the id \(position.id) is not above \(last.id)") }
            checkNumber(position.seq, place)
            last = position
            gap = nil
        }
    }

    /// Within an epoch numbers are dense. A gap line accounts for what it names; a rewind may begin anew below.
    private mutating func checkNumber(_ seq: UInt64, _ place: String) {
        let expected = (last?.seq ?? 0) + 1
        guard let gap else {
            if seq != expected { find(place, "number \(seq) follows on \(expected - 1), and no gap line says why") }
            return
        }
        if gap.reason == .rewound, seq < gap.fromSeq { return }
        if gap.fromSeq != expected || seq != max(gap.toSeq + 1, gap.fromSeq) {
            find(
                place, "number \(seq) follows on \(expected - 1), but the gap line names \(gap.fromSeq) to \(gap.toSeq)"
            )
        }
    }

    /// A message's line begins with what its head says and its room, byte for byte.
    private static func isOf(_ room: RoomID, _ head: ArchiveLineHead, _ line: ByteBuffer?) -> Bool {
        guard case .message(let position) = head, let line else { return true }
        let id = position.id
        let beginning =
            "{\"id\":\"\(id)\",\"seq\":\(position.seq),\"ts\":\(id.milliseconds),\"room\":\"\(room)\","
        return line.readableBytesView.starts(with: beginning.utf8)
    }

    private mutating func endFile(_ file: String) {
        let rest = findingsOfFile - ArchiveReport.findingsPerFileMax
        if rest > 0 {
            report.findings.append(.init(place: "\(name)/\(file)", problem: "\(rest) more of this kind"))
        }
        findingsOfFile = 0
    }

    private mutating func find(_ place: String, _ problem: String) {
        findingsOfFile += 1
        guard findingsOfFile <= ArchiveReport.findingsPerFileMax else { return }
        report.findings.append(.init(place: "\(name)/\(place)", problem: problem))
    }

    private func path(_ file: String) -> String { "\(folder)/\(file)" }
}

/// The lines of one day, in order: a digest hands them out one by one.
private final class LineCollector {
    struct Line {
        var head: ArchiveLineHead
        var number: UInt64
        /// Whether it has no line break.
        var isTorn: Bool
        var isOfRoom: Bool
    }

    var all: [Line] = []
}
