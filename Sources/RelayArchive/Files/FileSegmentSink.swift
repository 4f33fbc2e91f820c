internal import Glibc
internal import NIOCore
public import RelayCore

/// Opens the real files of the archive.
public struct FileSegmentOpener: SegmentOpener {
    private let isSyncing: Bool
    private let writeBytesMax: Int

    /// An opener. Without `isSyncing` a `sync` returns at once, for throwaway data. A single call to the system writes
    /// at most `writeBytesMax`.
    public init(isSyncing: Bool = true, writeBytesMax: Int = .max) {
        self.isSyncing = isSyncing
        self.writeBytesMax = max(1, writeBytesMax)
    }

    /// Opens a real file. Links are not followed.
    public func open(_ path: String, isNew: Bool) throws(SegmentError) -> any SegmentSink {
        let flags = O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | (isNew ? O_CREAT : 0)
        let descriptor = unsafe Glibc.open(path, flags, FileSystem.fileMode)
        guard descriptor >= 0 else { throw FileSystem.failure("open", path) }
        let sink = FileSegmentSink(path, descriptor, isSyncing: isSyncing, writeBytesMax: writeBytesMax)
        guard isNew, let slash = path.lastIndex(of: "/") else { return sink }
        // The name of a hidden file need not last: it is renamed, and then its folder is synced.
        if path[path.index(after: slash)...].hasPrefix(".") { return sink }
        try syncFolder(String(path[..<slash]))
        return sink
    }

    /// Syncs a real folder.
    public func syncFolder(_ path: String) throws(SegmentError) {
        if isSyncing { try FileSystem.syncFolder(path) }
    }
}

/// A file of the archive, opened for appending.
final class FileSegmentSink: SegmentSink {
    private let path: String
    private var descriptor: Int32
    private let isSyncing: Bool
    private let writeBytesMax: Int

    init(_ path: String, _ descriptor: Int32, isSyncing: Bool, writeBytesMax: Int) {
        self.path = path
        self.descriptor = descriptor
        self.isSyncing = isSyncing
        self.writeBytesMax = writeBytesMax
    }

    deinit { close() }

    func length() throws(SegmentError) -> UInt64 {
        var status = stat()
        // `status` is a variable of ours and outlives the call.
        guard unsafe fstat(descriptor, &status) == 0 else { throw FileSystem.failure("fstat", path) }
        return UInt64(status.st_size)
    }

    func append(_ bytes: ByteBuffer) throws(SegmentError) {
        // The region is the buffer's own for as long as the closure runs; `write` reads no further than its count.
        let code: Int32? = unsafe bytes.withUnsafeReadableBytes { region in
            var rest = unsafe region[...]
            while unsafe !rest.isEmpty {
                let piece = unsafe UnsafeRawBufferPointer(rebasing: rest.prefix(writeBytesMax))
                let written = unsafe write(descriptor, piece.baseAddress, piece.count)
                if written > 0 {
                    unsafe rest = rest.dropFirst(written)
                } else if written == 0 || errno != EINTR {
                    return written == 0 ? ENOSPC : errno
                }
            }
            return nil
        }
        if let code { throw FileSystem.failure("write", path, code: code) }
    }

    func sync() throws(SegmentError) {
        guard isSyncing else { return }
        guard fsync(descriptor) == 0 else { throw FileSystem.failure("fsync", path) }
    }

    func truncate(to length: UInt64) throws(SegmentError) {
        guard ftruncate(descriptor, off_t(length)) == 0 else { throw FileSystem.failure("ftruncate", path) }
    }

    func read(at offset: UInt64, count: Int) throws(SegmentError) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: count)
        var code: Int32 = 0
        while buffer.readableBytes < count, code == 0 {
            let position = off_t(offset) + off_t(buffer.readableBytes)
            let wanted = count - buffer.readableBytes
            // `pread` writes no more than the room that the buffer has reserved.
            let got = unsafe buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: wanted) { region in
                let result = unsafe pread(descriptor, region.baseAddress, min(wanted, region.count), position)
                if result < 0 { code = errno }
                return max(0, result)
            }
            if code == EINTR { code = 0 } else if got == 0 { break }
        }
        guard code == 0 else { throw FileSystem.failure("read", path, code: code) }
        return buffer
    }

    func close() {
        guard descriptor >= 0 else { return }
        _ = Glibc.close(descriptor)
        descriptor = -1
    }
}
