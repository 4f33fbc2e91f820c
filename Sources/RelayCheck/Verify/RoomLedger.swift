import RelayCore

/// What is known of every message of a room, by number: about 60 bytes each, for the whole run.
struct RoomLedger: Sendable {
    /// Where a message was met with.
    struct Marks: OptionSet, Sendable {
        let rawValue: UInt8
        static let seen = Marks(rawValue: 1)
        static let acknowledged = Marks(rawValue: 2)
        static let stored = Marks(rawValue: 4)
        static let archived = Marks(rawValue: 8)
    }

    /// One number of the room.
    struct Entry: Sendable {
        var id = MessageID.zero
        var digest: UInt64 = 0
        /// Whose message was seen there.
        var key: SendKey?
        /// Whose message was acknowledged as being there.
        var ackedKey: SendKey?
        var ackedAt: UInt32 = 0
        var marks: Marks = []
    }

    /// Numbers beyond this are nobody's: a run that lasts a day says fewer things.
    static let entriesMax = 50_000_000

    private var entries: [Entry] = []

    /// The highest number that was met with.
    var lastSeq: UInt64 { UInt64(entries.count) }

    /// The entry of a number; an empty one where nothing is known.
    subscript(seq: UInt64) -> Entry {
        get {
            guard seq > 0, seq <= lastSeq else { return Entry() }
            return entries[Int(seq) - 1]
        }
        set {
            guard seq > 0, seq <= Self.entriesMax else { return }
            while entries.count < Int(seq) { entries.append(Entry()) }
            entries[Int(seq) - 1] = newValue
        }
    }
}

/// One send as the verifier remembers it.
struct SendFact: Sendable {
    var attempts = 0
    /// The session of the first attempt.
    var session: UInt32 = 0
    var ackedSeq: UInt64 = 0
    /// Where its message was seen; 0 nowhere yet.
    var seq: UInt64 = 0
}
