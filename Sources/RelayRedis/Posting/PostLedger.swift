internal import DequeModule
internal import RelayCore

/// The newest messages that this edge posted and has a receipt for: what it can put back where Redis loses them.
///
/// Bounded by `Limits.ledgerMessagesMax`, `Limits.ledgerBytesMax` and `Limits.ledgerAgeMax`: past any of them the
/// oldest are forgotten, and are then not put back. To take one in is an append; strings are shared with the draft.
struct PostLedger {
    /// One message and its place.
    struct Entry: Equatable {
        let draft: MessageDraft
        var id: MessageID
        var seq: UInt64
        let storedAt: Moment

        /// What it counts for: its words, and as much again as its parts take.
        var bytes: Int { draft.text.utf8.count + 256 }
    }

    private let messagesMax: Int
    private let bytesMax: Int
    private let ageMax: Duration
    private var entries: Deque<Entry> = []
    private var bytes = 0

    /// An empty ledger. The bounds are those of `Limits` but in tests.
    init(
        messagesMax: Int = Limits.ledgerMessagesMax, bytesMax: Int = Limits.ledgerBytesMax,
        ageMax: Duration = Limits.ledgerAgeMax
    ) {
        self.messagesMax = messagesMax
        self.bytesMax = bytesMax
        self.ageMax = ageMax
    }

    /// How many messages it holds.
    var count: Int { entries.count }

    /// A receipt came.
    mutating func stored(_ draft: MessageDraft, id: MessageID, seq: UInt64, now: Moment) {
        let entry = Entry(draft: draft, id: id, seq: seq, storedAt: now)
        entries.append(entry)
        bytes += entry.bytes
        while entries.count > messagesMax || bytes > bytesMax { forgetOldest() }
        forget(now: now)
    }

    /// Time went by: what is too old is forgotten.
    mutating func forget(now: Moment) {
        while let oldest = entries.first, oldest.storedAt + ageMax < now { forgetOldest() }
    }

    private mutating func forgetOldest() {
        if let oldest = entries.popFirst() { bytes -= oldest.bytes }
    }

    /// The messages of a room in the order of their numbers.
    func messages(of room: RoomID) -> [Entry] {
        entries.filter { $0.draft.room == room }.sorted { ($0.seq, $0.id) < ($1.seq, $1.id) }
    }

    /// The message with the highest number of a room; nil where it holds none. (A post that is tried again may tell its
    /// place after a later one.)
    func newest(of room: RoomID) -> Entry? {
        entries.lazy.filter { $0.draft.room == room }.max { $0.seq < $1.seq }
    }

    /// The message with the highest number of each room.
    func newest() -> [RoomID: Entry] {
        var newest: [RoomID: Entry] = [:]
        for entry in entries where newest[entry.draft.room].map({ $0.seq < entry.seq }) ?? true {
            newest[entry.draft.room] = entry
        }
        return newest
    }

    /// Messages of a room have other places now, by their old ids.
    mutating func moved(_ places: [MessageID: (id: MessageID, seq: UInt64)], in room: RoomID) {
        guard !places.isEmpty else { return }
        for index in entries.indices where entries[index].draft.room == room {
            guard let place = places[entries[index].id] else { continue }
            entries[index].id = place.id
            entries[index].seq = place.seq
        }
    }
}
