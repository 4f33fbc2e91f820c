/// One connection that reads; a flat array holds them all.
struct Reader {
    /// Where it stands.
    enum State: UInt8 {
        /// Not connected. Exits: `connecting`.
        case away
        /// The connection is being made. Exits: `upgrading`, `away`.
        case connecting
        /// The upgrade was asked for. Exits: `joining`, `away`.
        case upgrading
        /// A join was asked for. Exits: `live`, `away`.
        case joining
        /// In its room. Exits: `leaving`, `away`.
        case live
        /// Asked to leave, to come back at once. Exits: `rejoining`, `away`.
        case leaving
        /// Asked to be let in again. Exits: `live`, `away`.
        case rejoining

        /// Whether it is one of those that are being made.
        var isOpening: Bool { self == .connecting || self == .upgrading || self == .joining }
    }

    var descriptor: Int32 = -1
    var state = State.away
    /// Whether it was ever in its room, so that it comes back for what it missed.
    var wasIn = false
    /// Whether a storm has cut it off and it is not back yet.
    var isStormed = false
    var tracker = SequenceTracker(after: 0)
    /// The id of the newest message that it has, or of the room's last one when it came.
    var milliseconds: UInt64 = 0
    var sequence: UInt64 = 0
    var carried: [UInt8] = []
    var outbox = Outbox()
    var isWatchedForWriting = false

    /// What it says to be let in.
    func join(room: String) -> [UInt8] {
        let past = wasIn ? #""since":"\#(milliseconds)-\#(sequence)""# : #""history":0"#
        return Array(#"{"op":"join","room":"\#(room)",\#(past)}"#.utf8)
    }
}
