internal import Glibc
public import RelayCore

/// The locks by which archivers share a directory: two on one shard, or two that divide the rooms differently, are
/// refused. The locks go with the process, also when it is killed.
///
/// `DIR/.archiver/COUNT` is held shared by every archiver that divides by COUNT, `DIR/.archiver/INDEX-COUNT` alone by
/// the one of that shard.
public final class DirectoryLock: Sendable {
    private let descriptors: [Int32]

    /// Why a directory is not to be had.
    public enum Failure: Error, Sendable, Equatable {
        /// Another archiver is at work in it; says which.
        case held(String)
        /// The file system refused.
        case failed(SegmentError)
    }

    /// Makes the directory, where it does not exist, and the folder of the locks in it.
    ///
    /// - Returns: the folder of the locks.
    @discardableResult
    static func makeFolders(in directory: String) throws(SegmentError) -> String {
        let folder = "\(directory)/.archiver"
        try FileSystem.makeFolders(directory)
        try FileSystem.makeFolder(folder)
        return folder
    }

    /// Locks the shard of the directory.
    public init(directory: String, shard: ShardID) throws(Failure) {
        var taken: [Int32] = []
        do throws(Failure) {
            let folder = try Self.mapped { () throws(SegmentError) in try Self.makeFolders(in: directory) }
            guard let division = try Self.lock("\(folder)/\(shard.count)", LOCK_SH) else {
                throw Failure.held("another archiver is starting in \(directory)")
            }
            taken.append(division)
            guard let own = try Self.lock("\(folder)/\(shard.index)-\(shard.count)", LOCK_EX) else {
                throw Failure.held("another archiver works on shard \(shard) of \(directory)")
            }
            taken.append(own)
            try Self.refuseOtherDivisions(folder, directory, shard)
        } catch {
            taken.forEach { _ = close($0) }
            throw error
        }
        descriptors = taken
    }

    deinit { descriptors.forEach { _ = close($0) } }

    private static func refuseOtherDivisions(
        _ folder: String, _ directory: String, _ shard: ShardID
    ) throws(Failure) {
        let names = try mapped { () throws(SegmentError) in try FileSystem.names(in: folder) } ?? []
        for name in names {
            guard let count = Int(name), count != shard.count else { continue }
            guard let other = try lock("\(folder)/\(name)", LOCK_EX) else {
                throw .held("another archiver divides the rooms of \(directory) into \(count), not \(shard.count)")
            }
            _ = close(other)
        }
    }

    /// The locked file; nil where somebody else holds it.
    private static func lock(_ path: String, _ kind: Int32) throws(Failure) -> Int32? {
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, FileSystem.fileMode)
        guard descriptor >= 0 else { throw .failed(FileSystem.failure("open", path)) }
        if flock(descriptor, kind | LOCK_NB) == 0 { return descriptor }
        let code = errno
        _ = close(descriptor)
        guard code == EWOULDBLOCK else { throw .failed(FileSystem.failure("flock", path, code: code)) }
        return nil
    }

    private static func mapped<Value>(_ body: () throws(SegmentError) -> Value) throws(Failure) -> Value {
        do { return try body() } catch { throw .failed(error) }
    }
}
