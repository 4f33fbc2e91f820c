internal import NIOCore
internal import RelayCore

/// Days that are over, and their lines in the manifest.
extension RoomArchive {
    /// Writes a manifest line for every day that ends at or before `milliseconds`. Answers the days.
    func close(through milliseconds: UInt64) throws(SegmentError) -> [Segment] {
        let due = open.filter { $0.endMilliseconds <= milliseconds }
        guard !due.isEmpty else { return [] }
        try makeCuts()
        try extendManifest { (manifest) throws(SegmentError) in
            var lines = ByteBuffer()
            // A line that is there already was written by an attempt that failed behind it.
            for segment in due where manifest.state(of: segment).map({ $0 == .reopened }) ?? true {
                lines.writeImmutableBuffer(try manifest.appending(try digest(segment), of: segment))
            }
            return lines
        }
        open.removeAll { due.contains($0) }
        closedEnd = due.reduce(closedEnd ?? due[0]) { max($0, $1) }
        return due
    }

    /// Says in the manifest that a closed day is written to once more, before it is. Whoever looks meanwhile, and who
    /// goes on after a crash, then knows that it has to be closed again.
    func reopenIfClosed(_ segment: Segment, now: UInt64) throws(SegmentError) {
        guard let closedEnd, segment <= closedEnd, !open.contains(segment) else { return }
        try extendManifest { (manifest) throws(SegmentError) in
            guard manifest.state(of: segment).map({ $0 != .reopened }) ?? false else { return ByteBuffer() }
            return manifest.appending(.reopened, [segment.fileName], at: now)
        }
        open = (open + [segment]).sorted()
    }

    /// Adds lines to the manifest, which nobody else does meanwhile.
    private func extendManifest(
        _ lines: (inout Manifest) throws(SegmentError) -> ByteBuffer
    ) throws(SegmentError) {
        if !isManifestRenewed {
            try ManifestFile.renew(in: folder, with: opener, isWaiting: false)
            isManifestRenewed = true
        }
        let file = try ManifestFile(folder: folder, opener: opener, isWaiting: false)
        var manifest = try file.read()
        let length = manifest.length
        let added = try lines(&manifest)
        guard added.readableBytes > 0 else { return }
        do { try file.append(added, behind: length) } catch {
            // What of it is on the disk nobody knows. Not cut off: `archive prune` may add to it meanwhile.
            isManifestRenewed = false
            throw error
        }
    }

    private func digest(_ segment: Segment) throws(SegmentError) -> SegmentDigest {
        let sink = try opener.open(path(of: segment), isNew: false)
        defer { sink.close() }
        try sink.sync()
        return try SegmentDigest(sink)
    }
}
