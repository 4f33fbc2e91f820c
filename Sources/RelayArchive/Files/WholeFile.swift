internal import NIOCore
internal import RelayCore

/// Small files that are read and replaced as a whole.
enum WholeFile {
    /// A file larger than this is none that the archiver wrote.
    private static let bytesMax: UInt64 = 64 << 20

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

    /// Puts the bytes in the place of the file: who looks sees the old ones or the new ones, also after a crash.
    static func replace(
        _ name: String, in folder: String, with bytes: ByteBuffer, opener: any SegmentOpener
    ) throws(SegmentError) {
        let path = "\(folder)/\(name)"
        let temporary = "\(folder)/.\(name).new"
        try FileSystem.remove(temporary)
        let sink = try opener.open(temporary, isNew: true)
        defer { sink.close() }
        try sink.append(bytes)
        try sink.sync()
        try FileSystem.rename(temporary, to: path)
        try FileSystem.syncFolder(folder)
    }
}
