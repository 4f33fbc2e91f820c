internal import Glibc
public import RelayCore

/// How an archiver works.
public struct ArchiveConfiguration: Sendable {
    /// Where the files go. Made at the start where it does not exist, and never again.
    public var directory: String
    /// Which rooms are this archiver's.
    public var shard: ShardID
    /// Archived messages of a room that stay in the stream.
    public var keep: Int
    /// The longest wait before it looks for new messages.
    public var interval: Duration
    /// The machine, as the status and the lock name it.
    public var host: String
    /// One run of the program, different from every other.
    public var run: String

    /// Entries of one look. A batch is never larger, so this, times two for what is read ahead, times `turnsMax`,
    /// bounds memory too.
    public var pageEntriesMax = Limits.pageMessagesMax
    /// Pages of one turn: then other rooms have theirs.
    public var turnPagesMax = 8
    /// Rooms that have their turn at a time: while one is synced, Redis reads for the others.
    public var turnsMax = 4
    /// For so long rooms have their turns before it is asked which others have something, where some always wait.
    public var turnsSpan: Duration = .seconds(1)
    /// How long the lock outlives the last renewal.
    public var lockLapse: Duration = .seconds(10)
    /// How often all rooms are looked at, whether anything was said in them or not.
    public var walkInterval: Duration = .seconds(60)
    /// Rooms of such a walk between two looks at the busy ones.
    public var walkRoomsMax = 200
    /// How far below the last look it looks again: `chat:rooms` may be a second stale, and clocks of replicas more.
    public var lookBackMilliseconds: UInt64 = 5000

    /// A configuration of the given parts.
    public init(
        directory: String, shard: ShardID = .whole, keep: Int = 1000, interval: Duration = .milliseconds(200),
        host: String, run: String
    ) {
        self.directory = directory
        self.shard = shard
        self.keep = keep
        self.interval = interval
        self.host = host
        self.run = run
    }

    /// Makes the directory where it does not exist: what is wrong with it can be told before anything is begun.
    public static func makeDirectory(_ directory: String) throws(ArchiveRefusal) {
        do { try DirectoryLock.makeFolders(in: directory) } catch { throw .directory(error) }
    }
}

/// Why an archiver does not work at all.
public enum ArchiveRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    /// Another one holds the shard or the directory.
    case held(String)
    /// The directory cannot be used.
    case directory(SegmentError)

    /// Whether the setting is wrong: waiting does not make a directory out of that path. A full disk is waited out.
    public var isWrongDirectory: Bool {
        guard case .directory(let error) = self, let code = error.code else { return false }
        return [ENOTDIR, ENOENT, EACCES, EPERM, ELOOP, ENAMETOOLONG].contains(code)
    }

    /// One line for people.
    public var description: String {
        switch self {
        case .held(let reason): reason
        case .directory(let error): "--dir: the directory cannot be used: \(error)"
        }
    }
}

/// What an archiver counts from its start on.
public struct ArchiveCounters: Sendable, Equatable {
    /// Lines written.
    public var lines: UInt64 = 0
    /// Bytes written.
    public var bytes: UInt64 = 0
    /// Gap lines written.
    public var gaps: UInt64 = 0
    /// Entries that are no messages.
    public var skipped: UInt64 = 0
    /// Rewinds of Redis that were settled.
    public var rewinds: UInt64 = 0
    /// Failed attempts, of files and of Redis.
    public var errors: UInt64 = 0
    /// Messages in the streams that are not in the files.
    public var behind: UInt64 = 0
    /// Rooms with files.
    public var rooms = 0
    /// What is wrong now; empty where nothing is.
    public var lastError = ""

    /// Zeroes.
    public init() {}
}
