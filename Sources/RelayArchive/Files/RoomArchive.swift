internal import NIOCore
internal import RelayCore

/// The folder of one room, as its only writer sees it.
///
/// What the files hold is known from their end, which is read once. A batch counts when all of its files are synced;
/// one that fails leaves cuts behind, which are made before anything else is written.
final class RoomArchive {
    let room: RoomID
    let folder: String
    private let opener: any SegmentOpener
    private(set) var record: RoomRecord?
    /// The last message in the files.
    private(set) var cursor: ArchivePosition?
    /// Days with a file that no manifest line closes, ascending.
    private(set) var open: [Segment] = []
    /// Bytes cut off at the start: a torn line.
    private(set) var cutBytes: UInt64 = 0

    private var newest: Segment?
    private var syncedLength: UInt64 = 0
    private var hasFolder: Bool
    /// Whether all that was found at the start is known to be on the disk and not only in the system's memory.
    private var isStartSynced = true
    private var cuts: [(segment: Segment, length: UInt64)] = []

    /// Reads where the files end, and cuts off what a crash left behind it.
    init(room: RoomID, directory: String, opener: any SegmentOpener) throws(SegmentError) {
        self.room = room
        self.opener = opener
        folder = "\(directory)/\(RoomFolder.name(of: room))"
        let names = try FileSystem.names(in: folder)
        hasFolder = names != nil
        guard let names else { return }
        if names.contains(RoomRecord.fileName) {
            record = RoomRecord.decode(try WholeFile.read("\(folder)/\(RoomRecord.fileName)", with: opener))
        }
        var segments = names.compactMap { Segment(fileName: $0) }.sorted()
        while let segment = segments.last, cursor == nil {
            try repair(segment)
            if cursor == nil { segments.removeLast() }
        }
        open = segments
        if names.contains(Manifest.fileName) {
            let closed = try manifest().closed
            open.removeAll { closed.contains($0.fileName) }
        }
    }

    /// Appends the batch to its files and syncs them. After an error none of it counts. Answers the bytes.
    func append(_ batch: ArchiveBatch) throws(SegmentError) -> Int {
        try makeCuts()
        try syncStart()
        var (last, lastLength, written) = (newest, syncedLength, 0)
        for part in batch.segments {
            let isNew = part.segment != last
            let path = path(of: part.segment)
            let sink = try opener.open(path, isNew: isNew)
            defer { sink.close() }
            let length = try sink.length()
            let expected = isNew ? 0 : lastLength
            guard length == expected else {
                let reason = "the file has \(length) bytes, not \(expected): somebody else wrote to it"
                throw SegmentError(call: "append", path: path, reason: reason)
            }
            cuts.append((part.segment, length))
            let bytes = ArchiveLineCoder.encode(part.lines, room: room)
            try sink.append(bytes)
            try sink.sync()
            (last, lastLength) = (part.segment, length + UInt64(bytes.readableBytes))
            written += bytes.readableBytes
        }
        cuts = []
        (newest, syncedLength) = (last, lastLength)
        cursor = batch.end ?? cursor
        for part in batch.segments where !open.contains(part.segment) { open.append(part.segment) }
        return written
    }

    /// Returns when the files that were found at the start are on the disk for sure.
    func syncStart() throws(SegmentError) {
        guard !isStartSynced, let newest else { return }
        let sink = try opener.open(path(of: newest), isNew: false)
        defer { sink.close() }
        try sink.sync()
        try FileSystem.syncFolder(folder)
        isStartSynced = true
    }

    /// Writes `room.json`, and makes the folder where the room has none.
    func write(_ record: RoomRecord) throws(SegmentError) {
        if !hasFolder {
            try FileSystem.makeFolder(folder)
            try FileSystem.syncFolder(folder + "/..")
            hasFolder = true
        }
        let bytes = try record.encode(path: "\(folder)/\(RoomRecord.fileName)")
        try WholeFile.replace(RoomRecord.fileName, in: folder, with: bytes, opener: opener)
        self.record = record
    }

    /// Writes a manifest line for every day that ends at or before `milliseconds`. Answers the days.
    func close(through milliseconds: UInt64) throws(SegmentError) -> [Segment] {
        let due = open.filter { $0.endMilliseconds <= milliseconds }
        guard !due.isEmpty else { return [] }
        try makeCuts()
        var manifest = try manifest()
        let sink = try opener.open("\(folder)/\(Manifest.fileName)", isNew: true)
        defer { sink.close() }
        if try sink.length() > manifest.length { try sink.truncate(to: manifest.length) }
        for segment in due {
            let line = try manifest.appending(try digest(segment), of: segment)
            try sink.append(line)
        }
        try sink.sync()
        open.removeAll { due.contains($0) }
        return due
    }

    /// Which of the messages the files lack. None of them is above the cursor.
    func lacking(_ frames: [StoredFrame]) throws(SegmentError) -> [StoredFrame] {
        var lacking: [StoredFrame] = []
        var current: (segment: Segment, file: SegmentFile?)?
        defer { current?.file?.close() }
        for frame in frames {
            let segment = Segment(of: frame.id)
            if current?.segment != segment {
                current?.file?.close()
                current = (segment, try reading(segment))
            }
            if try current?.file?.holds(frame.id) != true { lacking.append(frame) }
        }
        return lacking
    }

    /// Puts messages of one day between those that are there, so that ids still ascend, with a gap line on either side.
    /// The file is replaced as a whole.
    func merge(_ frames: [StoredFrame], into segment: Segment, now: UInt64, epoch: UInt64) throws(SegmentError) {
        try makeCuts()
        var old = ByteBuffer()
        if try FileSystem.names(in: folder)?.contains(segment.fileName) == true {
            old = try WholeFile.read(path(of: segment), with: opener)
        }
        let merged = SegmentMerge(room: room, now: now, epoch: epoch).merge(frames, into: old)
        try WholeFile.replace(segment.fileName, in: folder, with: merged, opener: opener)
        if segment == newest { syncedLength = UInt64(merged.readableBytes) }
        if !open.contains(segment) { open = (open + [segment]).sorted() }
    }

    private func repair(_ segment: Segment) throws(SegmentError) {
        let sink = try opener.open(path(of: segment), isNew: false)
        defer { sink.close() }
        let tail = try SegmentTail.read(sink)
        cutBytes += tail.surplus
        guard let last = tail.last else {
            // Nothing whole in it: the day begins anew with the next message.
            try FileSystem.remove(path(of: segment))
            return
        }
        if tail.surplus > 0 { try sink.truncate(to: tail.length) }
        cursor = last
        newest = segment
        syncedLength = tail.length
        isStartSynced = false
    }

    /// Takes back what a batch wrote that failed.
    private func makeCuts() throws(SegmentError) {
        while let cut = cuts.last {
            let sink = try opener.open(path(of: cut.segment), isNew: false)
            defer { sink.close() }
            try sink.truncate(to: cut.length)
            try sink.sync()
            if cut.length == 0 { try FileSystem.remove(path(of: cut.segment)) }
            cuts.removeLast()
        }
    }

    private func manifest() throws(SegmentError) -> Manifest {
        guard try FileSystem.names(in: folder)?.contains(Manifest.fileName) == true else {
            return try Manifest(ByteBuffer())
        }
        return try Manifest(try WholeFile.read("\(folder)/\(Manifest.fileName)", with: opener))
    }

    private func digest(_ segment: Segment) throws(SegmentError) -> SegmentDigest {
        let sink = try opener.open(path(of: segment), isNew: false)
        defer { sink.close() }
        try sink.sync()
        return try SegmentDigest(sink)
    }

    private func reading(_ segment: Segment) throws(SegmentError) -> SegmentFile? {
        guard try FileSystem.names(in: folder)?.contains(segment.fileName) == true else { return nil }
        return try SegmentFile(try opener.open(path(of: segment), isNew: false))
    }

    private func path(of segment: Segment) -> String { "\(folder)/\(segment.fileName)" }
}
