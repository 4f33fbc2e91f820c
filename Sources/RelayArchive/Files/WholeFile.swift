internal import NIOCore
internal import RelayCore

/// Small files that are read and replaced as a whole.
enum WholeFile {
    /// A manifest or a record larger than this is none that the archiver wrote.
    static let bytesMax: UInt64 = 64 << 20
    /// A day beyond this takes no late messages: they stay in the stream, and the archiver says so.
    static let segmentBytesMax: UInt64 = 1 << 31
    private static let chunkBytes: UInt64 = 1 << 20

    /// All of the file.
    static func read(
        _ path: String, with opener: any SegmentOpener, bytesMax: UInt64 = bytesMax
    ) throws(SegmentError) -> ByteBuffer {
        let sink = try opener.open(path, isNew: false)
        defer { sink.close() }
        let length = try sink.length()
        guard length <= bytesMax else {
            throw SegmentError(call: "read", path: path, reason: "\(length) bytes are too many for this file")
        }
        return try sink.read(at: 0, count: Int(length))
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
        let old = try opener.open("\(folder)/\(name)", isNew: false)
        defer { old.close() }
        try replace(name, in: folder, opener: opener) { (sink) throws(SegmentError) in
            var offset: UInt64 = 0
            while offset < length {
                let chunk = try old.read(at: offset, count: Int(min(chunkBytes, length - offset)))
                guard chunk.readableBytes > 0 else {
                    throw SegmentError(call: "read", path: "\(folder)/\(name)", reason: "it ends at \(offset) bytes")
                }
                try sink.append(chunk)
                offset += UInt64(chunk.readableBytes)
            }
        }
    }

    private static func replace(
        _ name: String, in folder: String, opener: any SegmentOpener,
        _ write: (any SegmentSink) throws(SegmentError) -> Void
    ) throws(SegmentError) {
        let temporary = "\(folder)/.\(name).new"
        try FileSystem.remove(temporary)
        let sink = try opener.open(temporary, isNew: true)
        defer { sink.close() }
        try write(sink)
        try sink.sync()
        try FileSystem.rename(temporary, to: "\(folder)/\(name)")
        try opener.syncFolder(folder)
    }
}
