internal import NIOCore
internal import RelayCore

/// Files that are replaced as a whole, and small ones that are read so.
enum WholeFile {
    /// A manifest or a record larger than this is none that the archiver wrote.
    static let bytesMax: UInt64 = 64 << 20
    static let chunkBytes = 1 << 20

    /// All of the file.
    static func read(_ path: String, with opener: any SegmentOpener) throws(SegmentError) -> ByteBuffer {
        let sink = try opener.open(path, isNew: false)
        defer { sink.close() }
        let length = try sink.length()
        guard length <= bytesMax else {
            throw SegmentError(call: "read", path: path, reason: "\(length) bytes are too many for this file")
        }
        return try sink.read(at: 0, count: Int(length))
    }

    /// How long a file is now.
    static func length(_ path: String, with opener: any SegmentOpener) throws(SegmentError) -> UInt64 {
        let sink = try opener.open(path, isNew: false)
        defer { sink.close() }
        return try sink.length()
    }

    /// Puts the bytes in the place of the file: who looks sees the old ones or the new ones, also after a crash.
    static func replace(
        _ name: String, in folder: String, with bytes: ByteBuffer, opener: any SegmentOpener
    ) throws(SegmentError) {
        try replace(name, in: folder, opener: opener) { (sink) throws(SegmentError) in try sink.append(bytes) }
    }

    /// Puts a copy of the first `length` bytes of the file in its place, which is on the disk when this returns.
    static func rewrite(
        _ name: String, in folder: String, length: UInt64, opener: any SegmentOpener
    ) throws(SegmentError) {
        let path = "\(folder)/\(name)"
        let old = try opener.open(path, isNew: false)
        defer { old.close() }
        try replace(name, in: folder, opener: opener) { (sink) throws(SegmentError) in
            try forEachChunk(of: old, path, length: length) { (chunk) throws(SegmentError) in try sink.append(chunk) }
        }
    }

    /// Hands over the first `length` bytes of the file, of which only one piece is in memory at a time.
    static func forEachChunk(
        of sink: any SegmentSink, _ path: String, length: UInt64,
        _ body: (ByteBuffer) throws(SegmentError) -> Void
    ) throws(SegmentError) {
        var offset: UInt64 = 0
        while offset < length {
            let chunk = try sink.read(at: offset, count: Int(min(UInt64(chunkBytes), length - offset)))
            guard chunk.readableBytes > 0 else {
                throw SegmentError(call: "read", path: path, reason: "it ends at \(offset) bytes")
            }
            offset += UInt64(chunk.readableBytes)
            try body(chunk)
        }
    }

    /// Puts what is written to the sink in the place of the file.
    static func replace(
        _ name: String, in folder: String, opener: any SegmentOpener,
        _ write: (any SegmentSink) throws(SegmentError) -> Void
    ) throws(SegmentError) {
        let temporary = "\(folder)/.\(name).new"
        try FileSystem.remove(temporary)
        let sink = try opener.open(temporary, isNew: true)
        defer { sink.close() }
        do throws(SegmentError) {
            try write(sink)
            try sink.sync()
            try FileSystem.rename(temporary, to: "\(folder)/\(name)")
        } catch {
            // On a full disk it would take the place that is wanting. What stays after all goes with the next one.
            try? FileSystem.remove(temporary)
            throw error
        }
        try opener.syncFolder(folder)
    }
}
