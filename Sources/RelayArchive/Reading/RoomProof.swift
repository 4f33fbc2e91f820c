internal import NIOCore
internal import RelayCore
internal import RelayWire

/// The proof of one room, walked line by line over all its days.
struct RoomProof {
    let room: RoomID
    let folder: String
    let name: String
    var report = ArchiveReport()

    private let opener = FileSegmentOpener(isSyncing: false)
    private var last: ArchivePosition?
    /// The gap lines that were read since the last message.
    private var gaps: [ArchiveGap] = []
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
        try checkRecord(names)
        let manifest = try readManifest()
        let files = names.compactMap { Segment(fileName: $0) }.sorted()
        let closed = manifest.days.keys.compactMap { Segment(fileName: $0) }
        for segment in Set(files + closed).sorted() {
            findingsOfFile = 0
            let day = manifest.days[segment.fileName]
            if names.contains(segment.fileName) {
                try check(segment, day, isNewest: segment == files.last)
            } else if let day {
                passOver(day)
            }
            endFile(segment.fileName)
            fileRead(report.lines)
        }
        findOpenDays(files, manifest, newestClosed: closed.max())
    }

    private mutating func checkRecord(_ names: [String]) throws(SegmentError) {
        var record: RoomRecord?
        if names.contains(RoomRecord.fileName) {
            let bytes = try WholeFile.read(path(RoomRecord.fileName), with: opener)
            record = RoomRecord.decode(bytes)
            if let record, !record.isWritten(as: bytes) {
                find(RoomRecord.fileName, "changed since it was written")
            }
        }
        if let record {
            if record.room != room.description {
                find(RoomRecord.fileName, "says that the room is another one than the folder's")
            }
        } else {
            find(RoomRecord.fileName, "missing or unreadable: nobody can say whose room this is")
        }
        endFile(RoomRecord.fileName)
    }

    private mutating func readManifest() throws(SegmentError) -> Manifest {
        let manifest = try ManifestFile.read(in: folder, with: opener)
        for flaw in manifest.flaws { find(Manifest.fileName, "line \(flaw.line) \(flaw.problem)") }
        endFile(Manifest.fileName)
        return manifest
    }

    /// A day whose file is not there. What its closing line says of its end is where the next one has to go on.
    private mutating func passOver(_ day: Manifest.Day) {
        if day.state == .pruned {
            report.prunedDays.append(.init(place: "\(name)/\(day.entry.file)", lines: day.entry.lines))
        } else {
            find(day.entry.file, "missing: the manifest closes it")
        }
        // Gap lines at the end of the day before tell of what is not there to be looked at.
        gaps = []
        last = day.entry.span?.last ?? last
    }

    private mutating func findOpenDays(_ files: [Segment], _ manifest: Manifest, newestClosed: Segment?) {
        for segment in files where manifest.days[segment.fileName] == nil {
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

    private mutating func check(_ segment: Segment, _ day: Manifest.Day?, isNewest: Bool) throws(SegmentError) {
        let file = segment.fileName
        let sink = try opener.open(path(file), isNew: false)
        defer { sink.close() }
        let isClosed = day.map { $0.state != .reopened } ?? false
        let isBeingWritten = !isClosed && isNewest
        let room = room
        let findingsBefore = report.findings.count
        let digest = try SegmentDigest(sink) { head, line, number in
            let place = "\(file) line \(number)"
            if line == nil, isBeingWritten {
                report.unfinishedLines.append(.init(place: "\(name)/\(place)", problem: "it has no end"))
                return
            }
            let isOfRoom = isClosed ? Self.isOf(room, head, line) : Self.isEnvelope(of: room, head, line)
            if !isOfRoom { find(place, "no message of this room") }
            check(head, segment, place)
        }
        report.days += 1
        report.lines += digest.lines - UInt64(report.unfinishedLines.count)
        if isClosed, let day { compare(digest, with: day, findingsBefore: findingsBefore) }
    }

    /// Whether the file is as it was closed; if not, that is told in front of what its lines are found to be.
    private mutating func compare(_ digest: SegmentDigest, with day: Manifest.Day, findingsBefore: Int) {
        let closed = day.entry
        if closed == digest.entry(of: closed.file, previous: closed.previous) {
            report.provenDays += 1
            if day.state == .pruned { report.leftovers.append("\(name)/\(closed.file)") }
        } else {
            let problem =
                "changed since it was closed: \(closed.lines) lines, \(closed.bytes) bytes, \(closed.sha256); now "
                + "\(digest.lines) lines, \(digest.bytes) bytes, \(digest.sha256)"
            report.findings.insert(.init(place: "\(name)/\(closed.file)", problem: problem), at: findingsBefore)
            findingsOfFile += 1
            // Of all of them only so many are told.
            if findingsOfFile > ArchiveReport.findingsPerFileMax { report.findings.removeLast() }
        }
    }

    private mutating func check(_ head: ArchiveLineHead, _ segment: Segment, _ place: String) {
        switch head {
        case .unknown:
            find(place, "neither a message nor a gap")
        case .gap(let gap):
            gaps.append(gap)
            let numbers = gap.fromSeq <= gap.toSeq ? "numbers \(gap.fromSeq) to \(gap.toSeq)" : "no known number"
            report.recordedGaps.append(
                .init(place: "\(name)/\(place)", problem: "\(gap.reason.rawValue), \(numbers) missing"))
        case .message(let position):
            report.messages += 1
            if Segment(of: position.id) != segment { find(place, "the id \(position.id) belongs to another day") }
            if let last, position.id <= last.id { find(place, "the id \(position.id) is not above \(last.id)") }
            checkNumber(position.seq, place)
            last = position
            gaps = []
        }
    }

    /// Within an epoch numbers are dense. A gap line accounts for what it names; a rewind may begin anew below.
    private mutating func checkNumber(_ seq: UInt64, _ place: String) {
        let before = last?.seq ?? 0
        if gaps.isEmpty {
            if seq != before &+ 1 { find(place, "number \(seq) follows on \(before), and no gap line says why") }
        } else if !gaps.contains(where: { $0.leads(from: before, to: seq) }), let told = gaps.last {
            find(
                place,
                "number \(seq) follows on \(before), but the gap line names \(told.fromSeq) to \(told.toSeq)")
        }
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

extension RoomProof {
    /// A message's line begins with what its head says and its room, byte for byte.
    private static func isOf(_ room: RoomID, _ head: ArchiveLineHead, _ line: ByteBuffer?) -> Bool {
        guard case .message(let position) = head, let line else { return true }
        let id = position.id
        let beginning =
            "{\"id\":\"\(id)\",\"seq\":\(position.seq),\"ts\":\(id.milliseconds),\"room\":\"\(room)\","
        return line.readableBytesView.starts(with: beginning.utf8)
    }

    /// Where no hash tells what was written, a line has at least to be as it would be written, byte for byte.
    private static func isEnvelope(of room: RoomID, _ head: ArchiveLineHead, _ line: ByteBuffer?) -> Bool {
        guard let line else { return true }
        switch head {
        case .unknown: return true
        case .gap(let gap): return String(buffer: line) == ArchiveLineCoder.encode(gap, room: room)
        case .message:
            guard let message = try? ServerFrameDecoder.message(from: line).message else { return false }
            return message.draft.room == room && EnvelopeEncoder.envelope(of: message) == line
        }
    }
}
