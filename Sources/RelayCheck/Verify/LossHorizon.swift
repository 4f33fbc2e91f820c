import RelayCore

/// Up to where Redis may have lost messages of a room, after faults that were to make it lose some.
///
/// A Redis that forgot goes on with a new epoch, which is its time in ms: what has a lower id was said before and may
/// be gone, and its number may have been given again. One that was trimmed has lost what was there at the time. All
/// that was said later is held to every promise anew. Between a fault and the line that it draws nobody knows yet what
/// may be gone.
struct LossHorizon: Sendable {
    /// When Redis first lost messages of this room by a fault.
    private(set) var firstLossAt: UInt32?
    /// Epochs that ended losses, ascending: of more than so many the newest are remembered.
    private var ends: [UInt64] = []
    private static let endsMax = 10_000
    /// What has an id below this time in ms may be gone.
    private var line: UInt64 = 0
    private var known: Set<UInt64> = []
    private var isForgetting = false
    private var trimmedAt: UInt32?
    /// How long after a trim, in ms, all that was there before it has been seen by somebody.
    private static let trimSettling: UInt32 = 2000

    /// A fault begins that makes Redis forget the room.
    mutating func forgettingBegan(at now: UInt32) {
        firstLossAt = firstLossAt ?? now
        isForgetting = true
    }

    /// A fault begins, or has ended, that trims the room's stream.
    mutating func trimmed(at now: UInt32) {
        firstLossAt = firstLossAt ?? now
        trimmedAt = now
    }

    /// Somebody was told of this epoch, in a notice or in the answer to a join.
    mutating func epochHeard(_ epoch: UInt64) {
        guard known.insert(epoch).inserted, firstLossAt != nil, epoch > ends.last ?? 0 else { return }
        ends.append(epoch)
        if ends.count > Self.endsMax { ends.removeFirst() }
        line = max(line, epoch)
        isForgetting = false
    }

    /// It is that late, and no message is known that is newer than this one.
    mutating func timePassed(at now: UInt32, newest: MessageID) {
        guard let trimmedAt, now >= trimmedAt &+ Self.trimSettling else { return }
        line = max(line, newest.milliseconds &+ 1)
        self.trimmedAt = nil
    }

    /// Whether Redis forgot after the one message was said and before the other was.
    func lies(between one: MessageID, and other: MessageID) -> Bool {
        let (low, high) = (min(one, other).milliseconds, max(one, other).milliseconds)
        return ends.contains { low < $0 && $0 <= high }
    }

    /// Whether this message, and what follows on it, may be gone.
    func mayLack(from id: MessageID) -> Bool {
        isForgetting || trimmedAt != nil || id.milliseconds < line
    }
}
