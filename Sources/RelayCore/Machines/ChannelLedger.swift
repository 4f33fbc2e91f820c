/// Which rooms an edge wants to hear, and when it stops wanting one.
///
/// Wanted at once when the first reader comes; given up a while after the last one went, so that a page that reloads
/// costs nothing. A reader that comes back in between cancels that.
public struct ChannelLedger: Sendable {
    private let delay: Duration
    private var endings: [RoomID: Moment] = [:]
    private var order: [(ends: Moment, room: RoomID)] = []

    /// An empty ledger.
    public init(delay: Duration) {
        self.delay = delay
    }

    /// The room has readers, or will have.
    public mutating func wanted(_ room: RoomID) {
        if !endings.isEmpty { endings[room] = nil }
    }

    /// The last reader went.
    public mutating func abandoned(_ room: RoomID, now: Moment) {
        let ends = now + delay
        endings[room] = ends
        order.append((ends, room))
    }

    /// Time went by: these rooms are to be given up.
    public mutating func timePassed(now: Moment) -> [RoomID] {
        let count = order.firstIndex { $0.ends > now } ?? order.count
        var given: [RoomID] = []
        for (ends, room) in order.prefix(count) where endings[room] == ends {
            endings[room] = nil
            given.append(room)
        }
        order.removeFirst(count)
        return given
    }
}
