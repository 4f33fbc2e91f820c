/// What a proof of the archive found.
public struct ArchiveReport: Sendable, Equatable {
    /// Something that is missing or was changed.
    public struct Finding: Sendable, Equatable, Encodable, CustomStringConvertible {
        /// In which folder or file, below the directory.
        public var place: String
        /// What is wrong.
        public var problem: String

        /// One line for people.
        public var description: String { "\(place): \(problem)" }
    }

    /// Folders that were read.
    public var rooms = 0
    /// Files of messages that were read, one a room and day.
    public var days = 0
    /// Lines that were read, also those that are no messages.
    public var lines: UInt64 = 0
    /// Messages that were read.
    public var messages: UInt64 = 0
    /// Days that the manifests close and that are as they were closed.
    public var provenDays = 0
    /// Days that were removed on purpose, as their manifests prove.
    public var prunedDays: [PrunedDay] = []
    /// Files that a manifest says are removed and that are still there: `archive prune` was stopped in between.
    public var leftovers: [String] = []
    /// Newest days that end in a line without its end: an archiver is writing it, or was killed in it, and cuts it off
    /// when it starts. Nobody was told that it is archived, unless somebody else has cut it.
    public var unfinishedLines: [Finding] = []
    /// Holes that the archiver itself noticed and wrote down, by place. They are no findings.
    public var recordedGaps: [Finding] = []
    /// What is missing or changed; empty where all is accounted for. Of one file at most `findingsPerFileMax`, and one
    /// more that counts the rest.
    public var findings: [Finding] = []

    /// A day that was removed on purpose.
    public struct PrunedDay: Sendable, Equatable, Encodable {
        /// The file that it was, below the directory.
        public var place: String
        /// Lines that it had.
        public var lines: UInt64
    }

    /// A file of another room or day is wrong in every line; a page of that says it all.
    static let findingsPerFileMax = 50
}

extension ArchiveReport {
    mutating func add(_ other: ArchiveReport) {
        days += other.days
        lines += other.lines
        messages += other.messages
        provenDays += other.provenDays
        prunedDays += other.prunedDays
        leftovers += other.leftovers
        recordedGaps += other.recordedGaps
        unfinishedLines += other.unfinishedLines
        findings += other.findings
    }
}

/// How far a proof is.
public struct ArchiveProgress: Sendable, Equatable {
    /// Rooms that were read.
    public var rooms: Int
    /// Rooms there are.
    public var roomsInAll: Int
    /// Lines that were read.
    public var lines: UInt64

    /// That far.
    public init(rooms: Int, roomsInAll: Int, lines: UInt64) {
        self.rooms = rooms
        self.roomsInAll = roomsInAll
        self.lines = lines
    }
}
