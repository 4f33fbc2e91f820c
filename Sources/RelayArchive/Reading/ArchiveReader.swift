public import RelayCore

/// Answers history from the files of the archive.
///
/// Nothing is kept open or remembered between two calls. Reading goes on beside the archiver: a line that is still
/// being written is not seen yet.
public struct ArchiveReader: Sendable {
    private let directory: String
    private let opener = ReadOnlySegmentOpener()

    /// A reader of the archive in `directory`.
    public init(directory: String) {
        self.directory = directory
    }

    /// Messages out of the files.
    public struct Page: Sendable, Equatable {
        /// Ascending by id.
        public var frames: [StoredFrame]
        /// Whether the files hold more in the direction that was asked for.
        public var more: Bool
    }

    /// Throws where the directory itself is not there: that says nothing of any room.
    func checkDirectory() throws(SegmentError) {
        guard FileSystem.identity(of: directory) != nil else {
            throw SegmentError(call: "stat", path: directory, reason: "there is no such directory")
        }
    }

    /// What `room.json` says of a room; nil where the archive has no such room, or cannot say.
    public func record(of room: RoomID) throws(SegmentError) -> RoomRecord? {
        let folder = self.folder(of: room)
        guard let names = try FileSystem.names(in: folder), names.contains(RoomRecord.fileName) else { return nil }
        return RoomRecord.decode(try WholeFile.read("\(folder)/\(RoomRecord.fileName)", with: opener))
    }

    /// The rooms with a folder, sorted.
    public func rooms() throws(SegmentError) -> [RoomID] {
        (try FileSystem.folders(in: directory) ?? []).compactMap { RoomFolder.room(named: $0) }.sorted()
    }

    /// The span of a room. A room without files has an empty page.
    public func read(_ span: HistorySpan, of room: RoomID) throws(SegmentError) -> Page {
        switch span {
        case .latest(let limit): try read(below: nil, of: room, limit: limit)
        case .before(let id, let limit): try read(below: id, of: room, limit: limit)
        case .after(let id, let limit): try read(above: id, of: room, limit: limit)
        }
    }

    /// The span of one of the rooms that had the id one after the other: what lies within its own spans, ascending.
    func read(
        _ span: HistorySpan, of room: RoomID, within spans: [Range<MessageID>]
    ) throws(SegmentError) -> Page {
        switch span {
        case .latest(let limit): try read(below: nil, of: room, within: spans, limit: limit)
        case .before(let id, let limit): try read(below: id, of: room, within: spans, limit: limit)
        case .after(let id, let limit): try read(above: id, of: room, within: spans, limit: limit)
        }
    }

    private func read(
        above id: MessageID, of room: RoomID, within spans: [Range<MessageID>], limit: Int
    ) throws(SegmentError) -> Page {
        guard limit > 0 else { return Page(frames: [], more: true) }
        var frames: [StoredFrame] = []
        for span in spans where span.upperBound > id {
            let start = max(id, span.lowerBound.previous)
            frames += try read(above: start, of: room, limit: limit + 1 - frames.count).frames
                .prefix { $0.id < span.upperBound }
            if frames.count > limit { return Page(frames: Array(frames.prefix(limit)), more: true) }
        }
        return Page(frames: frames, more: false)
    }

    private func read(
        below id: MessageID?, of room: RoomID, within spans: [Range<MessageID>], limit: Int
    ) throws(SegmentError) -> Page {
        guard limit > 0 else { return Page(frames: [], more: true) }
        let bound = id ?? RoomRecord.everything.upperBound
        var frames: [StoredFrame] = []
        for span in spans.reversed() where span.lowerBound < bound {
            let end = min(bound, span.upperBound)
            frames =
                try read(below: end, of: room, limit: limit + 1 - frames.count).frames
                .drop { $0.id < span.lowerBound } + frames
            if frames.count > limit { return Page(frames: Array(frames.suffix(limit)), more: true) }
        }
        return Page(frames: frames, more: false)
    }

    /// A day that was removed from the files on purpose.
    public struct PrunedDay: Sendable, Equatable {
        /// The day.
        public var segment: Segment
        /// Its first message.
        public var first: ArchivePosition
        /// Its last message.
        public var last: ArchivePosition
        /// Lines that it had.
        public var lines: UInt64
    }

    /// The days of a room that were pruned, ascending.
    public func prunedDays(of room: RoomID) throws(SegmentError) -> [PrunedDay] {
        let folder = self.folder(of: room)
        return try ManifestFile.read(in: folder, with: opener).days.values.compactMap { day in
            guard day.state == .pruned, let span = day.entry.span, let segment = Segment(fileName: day.entry.file),
                !FileSystem.exists("\(folder)/\(day.entry.file)")
            else { return nil }
            return PrunedDay(segment: segment, first: span.first, last: span.last, lines: day.entry.lines)
        }
        .sorted { $0.segment < $1.segment }
    }

    private func read(above id: MessageID, of room: RoomID, limit: Int) throws(SegmentError) -> Page {
        guard limit > 0 else { return Page(frames: [], more: true) }
        var frames: [StoredFrame] = []
        for segment in try segments(of: room) where segment >= Segment(of: id) {
            guard let file = try open(segment, of: room) else { continue }
            defer { file.close() }
            let offset = segment == Segment(of: id) ? try file.offset(of: id.next) : 0
            frames += try file.frames(from: offset, limit: limit + 1 - frames.count)
            if frames.count > limit { return Page(frames: Array(frames.prefix(limit)), more: true) }
        }
        return Page(frames: frames, more: false)
    }

    private func read(below id: MessageID?, of room: RoomID, limit: Int) throws(SegmentError) -> Page {
        guard limit > 0 else { return Page(frames: [], more: true) }
        let bound = id ?? MessageID(milliseconds: .max, sequence: .max)
        var frames: [StoredFrame] = []
        for segment in try segments(of: room).reversed() where segment <= Segment(of: bound) {
            guard let file = try open(segment, of: room) else { continue }
            defer { file.close() }
            let offset = try file.offset(of: bound)
            frames = try file.frames(before: offset, limit: limit + 1 - frames.count) + frames
            if frames.count > limit { return Page(frames: Array(frames.suffix(limit)), more: true) }
        }
        return Page(frames: frames, more: false)
    }

    private func segments(of room: RoomID) throws(SegmentError) -> [Segment] {
        (try FileSystem.names(in: folder(of: room)) ?? []).compactMap { Segment(fileName: $0) }.sorted()
    }

    /// Nil for a day that was pruned since the folder was looked at.
    private func open(_ segment: Segment, of room: RoomID) throws(SegmentError) -> SegmentFile? {
        let path = "\(folder(of: room))/\(segment.fileName)"
        do { return try SegmentFile(try opener.open(path, isNew: false)) } catch {
            guard FileSystem.exists(path) else { return nil }
            throw error
        }
    }

    private func folder(of room: RoomID) -> String { "\(directory)/\(RoomFolder.name(of: room))" }
}
