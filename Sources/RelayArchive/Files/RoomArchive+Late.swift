internal import NIOCore
internal import RelayCore

/// Messages that come late: below the end of the files, because a rewound Redis gave them lower ids.
extension RoomArchive {
    /// Which of the messages the files lack. None of them is above the cursor. A day that was pruned lacks nothing.
    func lacking(_ frames: [StoredFrame]) throws(SegmentError) -> [StoredFrame] {
        guard !frames.isEmpty else { return [] }
        let manifest = try ManifestFile.read(in: folder, with: opener)
        var lacking: [StoredFrame] = []
        var current: (segment: Segment, file: SegmentFile?)?
        defer { current?.file?.close() }
        for frame in frames {
            let segment = Segment(of: frame.id)
            if manifest.state(of: segment) == .pruned { continue }
            if current?.segment != segment {
                current?.file?.close()
                current = (segment, try reading(segment))
            }
            if try current?.file?.holds(frame.id) != true { lacking.append(frame) }
        }
        return lacking
    }

    /// Puts messages of one day between those that are there, so that ids still ascend, with a gap line on either side.
    /// The file is replaced as a whole, by a copy that is written piece by piece.
    func merge(_ frames: [StoredFrame], into segment: Segment, now: UInt64, epoch: UInt64) throws(SegmentError) {
        try makeCuts()
        try reopenIfClosed(segment, now: now)
        let (behind, before) = try neighbours(of: segment)
        var merge = SegmentMerge(frames, room: room, now: now, epoch: epoch, behind: behind)
        var old: (any SegmentSink)?
        if FileSystem.exists(path(of: segment)) { old = try opener.open(path(of: segment), isNew: false) }
        defer { old?.close() }
        var length: UInt64 = 0
        do throws(SegmentError) {
            try WholeFile.replace(segment.fileName, in: folder, opener: opener) { (sink) throws(SegmentError) in
                func write(from bytesMin: Int) throws(SegmentError) {
                    guard merge.readyBytes >= bytesMin else { return }
                    length += UInt64(merge.readyBytes)
                    try sink.append(merge.takeReady())
                }
                if let old {
                    var rest = ByteBuffer()
                    try WholeFile.forEachChunk(of: old, path(of: segment), length: try old.length()) {
                        (chunk) throws(SegmentError) in
                        rest.writeImmutableBuffer(chunk)
                        while let line = rest.readLine() { merge.lineRead(line) }
                        rest.discardReadBytes()
                        try write(from: WholeFile.chunkBytes)
                    }
                }
                merge.dayEnded(before: before)
                try write(from: 1)
            }
        } catch {
            if segment == newest, length > 0, (try? WholeFile.length(path(of: segment), with: opener)) == length {
                newestWasReplaced(length: length)
            }
            throw error
        }
        if segment == newest { syncedLength = length }
        if !open.contains(segment) { open = (open + [segment]).sorted() }
    }

    /// The numbers of the last message before a day, 0 where there is none, and of the first one after it.
    private func neighbours(of segment: Segment) throws(SegmentError) -> (behind: UInt64, before: UInt64?) {
        let files = (try FileSystem.names(in: folder) ?? []).compactMap { Segment(fileName: $0) }
        let entries = try ManifestFile.read(in: folder, with: opener).days
        let days = Set(files + entries.keys.compactMap { Segment(fileName: $0) })
        func edge(_ day: Segment, isEnd: Bool) throws(SegmentError) -> UInt64? {
            guard files.contains(day) else {
                let entry = entries[day.fileName]?.entry
                return isEnd ? entry?.lastSeq : entry?.firstSeq
            }
            let sink = try opener.open(path(of: day), isNew: false)
            defer { sink.close() }
            if isEnd { return try SegmentTail.read(sink).last?.seq }
            return try SegmentFile(sink).frames(from: 0, limit: 1).first?.seq
        }
        let older = try days.filter { $0 < segment }.max().flatMap { (day) throws(SegmentError) in
            try edge(day, isEnd: true)
        }
        let newer = try days.filter { $0 > segment }.min().flatMap { (day) throws(SegmentError) in
            try edge(day, isEnd: false)
        }
        return (older ?? 0, newer)
    }

    private func reading(_ segment: Segment) throws(SegmentError) -> SegmentFile? {
        guard FileSystem.exists(path(of: segment)) else { return nil }
        return try SegmentFile(try opener.open(path(of: segment), isNew: false))
    }
}

extension ArchiveLine {
    /// When it was said, or noticed to be missing, in ms.
    var milliseconds: UInt64 {
        switch self {
        case .frame(let frame): frame.id.milliseconds
        case .gap(let gap): gap.milliseconds
        }
    }
}
