internal import NIOCore
public import RelayCore

/// What a proof of the archive found.
public struct ArchiveReport: Sendable, Equatable {
    /// Something that is missing or was changed.
    public struct Finding: Sendable, Equatable, CustomStringConvertible {
        /// In which folder or file, below the directory.
        public var place: String
        /// What is wrong.
        public var problem: String

        /// One line for people.
        public var description: String { "\(place): \(problem)" }
    }

    /// Folders that were read.
    public var rooms = 0
    /// Messages that were read.
    public var messages: UInt64 = 0
    /// Days that the manifests close and that are as they were closed.
    public var provenDays = 0
    /// Holes that the archiver itself noticed and wrote down, by place. They are no findings.
    public var recordedGaps: [Finding] = []
    /// What is missing or changed; empty where all is accounted for.
    public var findings: [Finding] = []
}

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
    /// - Throws: where the directory itself cannot be read.
    public func verify() throws(SegmentError) -> ArchiveReport {
        guard let names = try FileSystem.names(in: directory) else {
            throw SegmentError(call: "opendir", path: directory, reason: "No such directory")
        }
        var report = ArchiveReport()
        for name in names {
            guard let room = RoomFolder.room(named: name) else { continue }
            report.rooms += 1
            var proof = RoomProof(room: room, folder: "\(directory)/\(name)", name: name)
            do { try proof.run() } catch { proof.report.findings.append(.init(place: name, problem: "\(error)")) }
            report.add(proof.report)
        }
        return report
    }
}

extension ArchiveReport {
    fileprivate mutating func add(_ other: ArchiveReport) {
        messages += other.messages
        provenDays += other.provenDays
        recordedGaps += other.recordedGaps
        findings += other.findings
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

    init(room: RoomID, folder: String, name: String) {
        self.room = room
        self.folder = folder
        self.name = name
    }

    mutating func run() throws(SegmentError) {
        let names = try FileSystem.names(in: folder) ?? []
        var record: RoomRecord?
        if names.contains(RoomRecord.fileName) {
            record = RoomRecord.decode(try WholeFile.read(path(RoomRecord.fileName), with: opener))
        }
        if record == nil {
            find(RoomRecord.fileName, "missing or unreadable: nobody can say whose room this is")
        }
        let segments = names.compactMap { Segment(fileName: $0) }.sorted()
        let closed = try readManifest(names)
        for file in closed.keys.sorted() where !names.contains(file) { find(file, "missing: the manifest closes it") }
        let newestClosed = closed.keys.compactMap { Segment(fileName: $0) }.max()
        for segment in segments {
            try check(segment, closed: closed[segment.fileName], isNewest: segment == segments.last)
            if closed[segment.fileName] == nil, let newestClosed, segment < newestClosed {
                find(segment.fileName, "not in the manifest, although a later day is")
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
        return closed
    }

    private mutating func check(_ segment: Segment, closed: ManifestEntry?, isNewest: Bool) throws(SegmentError) {
        let file = segment.fileName
        let sink = try opener.open(path(file), isNew: false)
        defer { sink.close() }
        let isOpen = closed == nil && isNewest
        let lines = LineCollector()
        let digest = try SegmentDigest(sink) { head, number in lines.heads.append((head, number)) }
        for (head, number) in lines.heads {
            let isLast = number == digest.lines
            check(head, segment, "\(file) line \(number)", mayBeTorn: isOpen && isLast)
        }
        guard let closed else { return }
        let isSame =
            closed.sha256 == digest.sha256 && closed.bytes == digest.bytes && closed.lines == digest.lines
            && closed.firstID == digest.first?.id.description && closed.lastID == digest.last?.id.description
            && closed.firstSeq == digest.first?.seq && closed.lastSeq == digest.last?.seq
        if isSame {
            report.provenDays += 1
        } else {
            find(
                file,
                "changed since it was closed: \(closed.lines) lines, \(closed.bytes) bytes, \(closed.sha256); now "
                    + "\(digest.lines) lines, \(digest.bytes) bytes, \(digest.sha256)")
        }
    }

    private mutating func check(_ head: ArchiveLineHead, _ segment: Segment, _ place: String, mayBeTorn: Bool) {
        switch head {
        case .unknown:
            if !mayBeTorn { find(place, "neither a message nor a gap") }
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

    private mutating func find(_ place: String, _ problem: String) {
        report.findings.append(.init(place: "\(name)/\(place)", problem: problem))
    }

    private func path(_ file: String) -> String { "\(folder)/\(file)" }
}

/// The lines of one day, in order: a digest hands them out one by one.
private final class LineCollector {
    var heads: [(head: ArchiveLineHead, number: UInt64)] = []
}
