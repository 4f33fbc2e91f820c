internal import Glibc
internal import RelayCore

/// Opens files of the archive for reading alone: a reader needs no right to write, and can do no harm.
struct ReadOnlySegmentOpener: SegmentOpener {
    /// Opens a real file. Links are not followed, and what is no file does not hold the caller up.
    func open(_ path: String, isNew: Bool) throws(SegmentError) -> any SegmentSink {
        // The text of the path outlives the call.
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { throw FileSystem.failure("open", path) }
        return FileSegmentSink(path, descriptor, isSyncing: false, writeBytesMax: .max)
    }

    /// Whoever only reads has written no names.
    func syncFolder(_ path: String) {}
}
