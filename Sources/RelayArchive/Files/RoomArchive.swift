internal import NIOCore
internal import RelayCore

/// The folder of one room, as its only writer sees it.
///
/// What the files hold is known from their end, which is read once. A batch counts when all of its files are synced;
/// one that fails leaves cuts behind, which are made before anything else is written.
final class RoomArchive {
    let room: RoomID
    let folder: String
    let opener: any SegmentOpener
    private(set) var record: RoomRecord?
    /// Whether there are messages of which no `room.json` says whose they are.
    var isOwnerUnknown: Bool { cursor != nil && record?.createdAt == nil }
    /// Whether there was a `room.json` that says nothing.
    private(set) var isRecordDamaged = false
    /// Whether several days stood there at the start, and no manifest that closes any: it was taken away, or a crash
    /// came before the first day was closed.
    private(set) var isManifestMissing = false
    /// The last archived message: of the files or, where the last days were pruned, of the manifest.
    private(set) var cursor: ArchivePosition?
    /// Days with a file that no manifest line closes, ascending.
    var open: [Segment] = []
    /// Bytes cut off at the start: a torn line.
    private(set) var cutBytes: UInt64 = 0
    /// Whether it is sure that what other runs, and attempts that failed, added to the manifest is on the disk.
    var isManifestRenewed = false

    /// The newest day that the manifest names.
    var closedEnd: Segment?
    private(set) var newest: Segment?
    var syncedLength: UInt64 = 0
    private var hasFolder: Bool
    /// Whether all that was found at the start is known to be on the disk and not only in the system's memory.
    private var isStartSynced = true
    /// Whether the newest file was replaced, and the folder's sync failed.
    private var isReplacementUnsure = false
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
            isRecordDamaged = record == nil
        }
        var segments = names.compactMap { Segment(fileName: $0) }.sorted()
        while let segment = segments.last, cursor == nil {
            try repair(segment)
            if cursor == nil { segments.removeLast() }
        }
        open = segments
        guard names.contains(Manifest.fileName) else {
            isManifestMissing = segments.count > 1
            return
        }
        let manifest = try ManifestFile.read(in: folder, with: opener)
        open.removeAll { manifest.state(of: $0).map { $0 != .reopened } ?? false }
        closedEnd = manifest.days.keys.compactMap { Segment(fileName: $0) }.max()
        if let end = manifest.end, cursor.map({ $0.id < end.id }) ?? true { cursor = end }
    }

    /// Appends the batch to its files and syncs them. After an error none of it counts. Answers the bytes.
    func append(_ batch: ArchiveBatch) throws(SegmentError) -> Int {
        try makeCuts()
        try syncStart()
        try forgetPruned()
        var (last, lastLength, written) = (newest, syncedLength, 0)
        for part in batch.segments {
            try reopenIfClosed(part.segment, now: part.lines.first?.milliseconds ?? 0)
            let isNew = part.segment != last
            let path = path(of: part.segment)
            guard isNew || FileSystem.exists(path) else {
                let reason = "the file is gone. Put back, it is written on; a restart goes on without it"
                throw SegmentError(call: "append", path: path, reason: reason)
            }
            let sink = try opener.open(path, isNew: isNew)
            defer { sink.close() }
            let length = try sink.length()
            let expected = isNew ? 0 : lastLength
            guard length == expected else {
                let reason =
                    "the file has \(length) bytes, not \(expected): somebody else wrote to it. A restart goes on from "
                    + "its last whole line"
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
    ///
    /// A sync alone would not do: where one failed, in this run or before the crash that ended another one, the system
    /// may have dropped what it could not write, and says nothing when it is asked again. So the file is written anew.
    func syncStart() throws(SegmentError) {
        try forgetPruned()
        guard !isStartSynced || isReplacementUnsure, let newest else { return }
        try WholeFile.rewrite(newest.fileName, in: folder, length: syncedLength, opener: opener)
        (isStartSynced, isReplacementUnsure) = (true, false)
    }

    /// The newest file was replaced by one of that length, and nobody knows whether the folder says so on the disk: it
    /// is written anew before anything is added to it.
    func newestWasReplaced(length: UInt64) {
        syncedLength = length
        isReplacementUnsure = true
    }

    /// Redis was told of all that was found at the start: then it was on the disk before.
    func startWasAcknowledged() { isStartSynced = true }

    /// `archive prune` may have taken the newest file once its day was closed; the next message begins another.
    private func forgetPruned() throws(SegmentError) {
        guard let segment = newest, !open.contains(segment), !FileSystem.exists(path(of: segment)) else { return }
        guard try ManifestFile.read(in: folder, with: opener).state(of: segment) == .pruned else { return }
        (newest, syncedLength, isStartSynced) = (nil, 0, true)
    }

    /// Writes `room.json`, and makes the folder where the room has none.
    func write(_ record: RoomRecord) throws(SegmentError) {
        if !hasFolder {
            try FileSystem.makeFolder(folder)
            try opener.syncFolder(folder + "/..")
            hasFolder = true
        }
        let bytes = try record.encode(path: "\(folder)/\(RoomRecord.fileName)")
        try WholeFile.replace(RoomRecord.fileName, in: folder, with: bytes, opener: opener)
        self.record = record
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
    func makeCuts() throws(SegmentError) {
        while let cut = cuts.last {
            let sink = try opener.open(path(of: cut.segment), isNew: false)
            defer { sink.close() }
            try sink.truncate(to: cut.length)
            try sink.sync()
            if cut.length == 0 { try FileSystem.remove(path(of: cut.segment)) }
            cuts.removeLast()
        }
    }

    func path(of segment: Segment) -> String { "\(folder)/\(segment.fileName)" }
}
