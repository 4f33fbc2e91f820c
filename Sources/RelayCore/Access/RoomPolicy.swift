/// Who may do what in which room: the one place that decides.
///
/// What depends on the room alone by its id is decided without looking at the room, so that an answer tells nothing of
/// rooms that somebody may not see: a direct conversation does not exist for anybody but its two people, a room outside
/// the patterns of a token is forbidden whether it exists or not, and a private room does not exist for strangers.
public enum RoomPolicy {
    /// Kinds of things that people do in rooms.
    public enum Operation: String, Sendable, CaseIterable {
        /// Join, history, who is there, markers.
        case read
        /// Say something, edit or delete one's own, type, page.
        case write
        /// Make the room.
        case create
        /// Change the room's name, topic or members, or delete it.
        case manage
        /// Edit or delete what somebody else said.
        case moderate
    }

    /// What comes of it.
    public enum Verdict: Sendable, Equatable {
        case allowed
        /// It may not, and may know that.
        case forbidden
        /// For this user there is no such room.
        case noSuchRoom

        /// What to answer; nil where it is allowed.
        public var refusal: Refusal? {
            switch self {
            case .allowed: nil
            case .forbidden: Refusal(.forbidden, "You may not do that here.")
            case .noSuchRoom: .noSuchRoom
            }
        }
    }

    /// What can be said by the room's id alone. Where it is allowed, the room itself may still refuse.
    public static func verdict(_ operation: Operation, in room: RoomID, by identity: Identity) -> Verdict {
        let permissions = identity.permissions
        if let (first, second) = room.directUsers {
            guard identity.user == first || identity.user == second else { return .noSuchRoom }
            switch operation {
            case .read, .write: break
            case .create, .manage, .moderate: return .forbidden
            }
        }
        // An admin is held by no pattern.
        if permissions.isAdmin { return .allowed }
        let scope = operation == .read ? permissions.readable : permissions.writable
        return scope.contains(room) ? .allowed : .forbidden
    }

    /// What can be said of a room that exists and is known.
    public static func verdict(
        _ operation: Operation, in room: RoomID, by identity: Identity, facts: RoomFacts
    ) -> Verdict {
        let byName = verdict(operation, in: room, by: identity)
        guard byName == .allowed, room.directUsers == nil, !identity.permissions.isAdmin else { return byName }
        // A private room whose members Redis has lost is still its creator's.
        let isMember = facts.createdBy == identity.user || facts.members.contains(identity.user)
        if facts.isPrivate, !isMember { return .noSuchRoom }
        switch operation {
        case .read, .write, .create: return .allowed
        case .manage: return facts.createdBy == identity.user ? .allowed : .forbidden
        case .moderate: return .forbidden
        }
    }
}

extension Refusal {
    /// There is none, or not for this user.
    public static let noSuchRoom = Refusal(.noSuchRoom, "There is no such room.")

    /// There is none, or it cannot be touched any more.
    public static let noSuchMessage = Refusal(.noSuchMessage, "There is no such message.")
}
