internal import Glibc
internal import NIOCore
internal import RelayCore

/// `manifest.jsonl` while somebody adds to it. The archiver and `archive prune` both do: whoever holds the lock reads,
/// appends and syncs before the other one reads, so that the chain never forks.
struct ManifestFile: ~Copyable {
    private let folder: String
    private let opener: any SegmentOpener
    private let descriptor: Int32

    /// Locks the manifest of the room's folder, and makes it where there is none. Where somebody else holds it, this
    /// waits, or else is an error.
    init(folder: String, opener: any SegmentOpener, isWaiting: Bool) throws(SegmentError) {
        let path = Self.path(in: folder)
        while true {
            let descriptor = try Self.lock(path, isWaiting: isWaiting)
            // While this waited, the file may have been replaced: then the lock is on one that nobody reads any more.
            guard Self.isStill(path, descriptor) else {
                _ = close(descriptor)
                continue
            }
            self.folder = folder
            self.opener = opener
            self.descriptor = descriptor
            return
        }
    }

    private static func lock(_ path: String, isWaiting: Bool) throws(SegmentError) -> Int32 {
        // The text of the path outlives the call.
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FileSystem.fileMode)
        guard descriptor >= 0 else { throw FileSystem.failure("open", path) }
        while flock(descriptor, isWaiting ? LOCK_EX : LOCK_EX | LOCK_NB) != 0 {
            let code = errno
            if code == EINTR { continue }
            _ = close(descriptor)
            guard code == EWOULDBLOCK else { throw FileSystem.failure("flock", path, code: code) }
            throw SegmentError(call: "flock", path: path, reason: "another program is at work on this manifest")
        }
        return descriptor
    }

    private static func isStill(_ path: String, _ descriptor: Int32) -> Bool {
        var (named, held) = (stat(), stat())
        // Both are variables of ours and outlive the calls.
        guard unsafe stat(path, &named) == 0, unsafe fstat(descriptor, &held) == 0 else { return false }
        return named.st_ino == held.st_ino && named.st_dev == held.st_dev
    }

    /// Puts a copy in the place of the manifest that is on the disk for sure. What another run wrote before it was
    /// killed may not be, and a sync would not tell.
    static func renew(in folder: String, with opener: any SegmentOpener, isWaiting: Bool) throws(SegmentError) {
        let file = try ManifestFile(folder: folder, opener: opener, isWaiting: isWaiting)
        let length = try file.read().length
        if length > 0 { try WholeFile.rewrite(Manifest.fileName, in: folder, length: length, opener: opener) }
        // Not before.
        _ = consume file
    }

    deinit { _ = close(descriptor) }

    /// All of it.
    func read() throws(SegmentError) -> Manifest { try Self.read(in: folder, with: opener) }

    /// Puts the lines behind the first `length` bytes; what else stood there is a torn line, or lines whose sync
    /// failed. Returns when they would survive a loss of power.
    func append(_ lines: ByteBuffer, behind length: UInt64) throws(SegmentError) {
        let sink = try opener.open(Self.path(in: folder), isNew: true)
        defer { sink.close() }
        if try sink.length() > length { try sink.truncate(to: length) }
        if lines.readableBytes > 0 { try sink.append(lines) }
        try sink.sync()
    }

    /// The manifest without a lock, for whoever only reads; one that is not there has no lines.
    static func read(in folder: String, with opener: any SegmentOpener) throws(SegmentError) -> Manifest {
        guard FileSystem.exists(path(in: folder)) else { return Manifest() }
        return Manifest(try WholeFile.read(path(in: folder), with: opener))
    }

    private static func path(in folder: String) -> String { "\(folder)/\(Manifest.fileName)" }
}
