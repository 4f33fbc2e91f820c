/// What operators imposed on a user for a time.
public struct Sanction: Sendable, Hashable {
    /// What the user may not do.
    public enum Kind: String, Sendable, CaseIterable {
        /// Connect, or join and send in the one room.
        case kick
        /// Send anywhere, or in the one room.
        case mute
    }

    /// What it forbids.
    public var kind: Kind
    /// Whom.
    public var user: UserID
    /// Where; nil is everywhere.
    public var room: RoomID?

    /// A sanction of the given parts.
    public init(_ kind: Kind, user: UserID, room: RoomID?) {
        self.kind = kind
        self.user = user
        self.room = room
    }
}

/// The sanctions that hold, and until when, as one edge knows them.
///
/// What Redis holds counts; beside it what this edge was told and Redis has not taken yet. At most `sanctionsMax` are
/// known: a further one is imposed on the sessions that are open, and not remembered.
public struct SanctionLedger: Sendable {
    /// How many are remembered.
    public static let sanctionsMax = 10_000
    /// The longest that one holds.
    public static let spanMax: Duration = .seconds(366 * 86_400)

    private var ends: [Sanction: UInt64] = [:]
    private var unsaved: Set<Sanction> = []

    /// A ledger without any.
    public init() {}

    /// How many are known.
    public var count: Int { ends.count }

    /// Operators imposed it; the longer of two holds.
    public mutating func imposed(_ sanction: Sanction, untilMilliseconds: UInt64) {
        guard ends[sanction] != nil || ends.count < Self.sanctionsMax else { return }
        ends[sanction] = max(ends[sanction] ?? 0, untilMilliseconds)
        unsaved.insert(sanction)
    }

    /// Redis has it.
    public mutating func saved(_ sanction: Sanction) {
        unsaved.remove(sanction)
    }

    /// Operators lifted what is imposed on the user there.
    public mutating func lifted(user: UserID, room: RoomID?) {
        for kind in Sanction.Kind.allCases {
            let sanction = Sanction(kind, user: user, room: room)
            ends[sanction] = nil
            unsaved.remove(sanction)
        }
    }

    /// Redis said which there are.
    public mutating func read(_ held: [(sanction: Sanction, untilMilliseconds: UInt64)]) {
        var next = ends.filter { unsaved.contains($0.key) }
        for (sanction, end) in held.prefix(Self.sanctionsMax) { next[sanction] = max(next[sanction] ?? 0, end) }
        ends = next
    }

    /// When the user may connect again; nil for one who may.
    public func kickEnd(of user: UserID, nowMilliseconds: UInt64) -> UInt64? {
        end(.kick, user, nil, nowMilliseconds)
    }

    /// Why the user may not join the room; nil for one who may.
    public func objection(toJoining room: RoomID, user: UserID, nowMilliseconds: UInt64) -> Refusal? {
        guard !ends.isEmpty else { return nil }
        return refusal(.kick, user, [room, nil], nowMilliseconds)
    }

    /// Why the user may not send to the room; nil for one who may.
    public func objection(toSendingTo room: RoomID, user: UserID, nowMilliseconds: UInt64) -> Refusal? {
        guard !ends.isEmpty else { return nil }
        return refusal(.kick, user, [room, nil], nowMilliseconds)
            ?? refusal(.mute, user, [room, nil], nowMilliseconds)
    }

    private func refusal(_ kind: Sanction.Kind, _ user: UserID, _ rooms: [RoomID?], _ now: UInt64) -> Refusal? {
        guard let end = rooms.compactMap({ end(kind, user, $0, now) }).max() else { return nil }
        let message = kind == .kick ? "You were sent away from here." : "You may not send for now."
        return Refusal(.forbidden, message, retryAfter: .milliseconds(Int64(clamping: end - now)))
    }

    private func end(_ kind: Sanction.Kind, _ user: UserID, _ room: RoomID?, _ now: UInt64) -> UInt64? {
        guard let end = ends[Sanction(kind, user: user, room: room)], end > now else { return nil }
        return end
    }
}
