import NIOCore
import RelayCore
import RelayWire

/// Which room an event for one user is about.
private enum EventRoom {
    /// Nil where it names none.
    static func room(of event: ByteBuffer) -> RoomID? {
        let object = try? JSONReader.object(from: event, depthMax: Limits.jsonDepthMax)
        return (try? object?.string("room")).flatMap { $0 }.flatMap { RoomID($0) }
    }
}

/// What is for one user alone, and who may no longer be where they are.
extension EdgeShard {
    /// A session has said who it is.
    func identified(_ session: SessionHandler, as user: UserID) {
        guard session.knownUser == nil else { return }
        session.knownUser = user
        let wasReached = isReached(user)
        users[user, default: []].append(session)
        guard session.isReached, !wasReached else { return }
        hub.run { [index] hub in hub.userArrived(user, on: index) }
    }

    private func isReached(_ user: UserID) -> Bool {
        users[user]?.contains { $0.isReached } ?? false
    }

    /// The session is gone; the user's last one that is reached takes the user with it.
    func forgetUser(of session: SessionHandler) {
        guard let user = session.knownUser.take() else { return }
        users[user]?.removeAll { $0 === session }
        if users[user]?.isEmpty == true { users[user] = nil }
        guard session.isReached, !isReached(user) else { return }
        hub.run { [index] hub in hub.userLeft(user, from: index) }
    }

    /// Hands a direct message to the user's sessions, or to one of them for which it has waited. Those that are in its
    /// room are given it there; who listens to a room over HTTP is given nothing else.
    func give(_ frame: StoredFrame, of room: RoomID, to user: UserID, waited: SessionHandler? = nil) {
        // Made once, where one of them reads lines.
        lazy var line = RoomLineEncoder.line(of: frame.envelope, for: user)
        for session in waited.map({ [$0] }) ?? users[user] ?? [] {
            guard !session.isListener, session.mayRead(room) else { continue }
            guard waited != nil || session.takes(frame, of: room) else { continue }
            figures.deliveries += 1
            if session.console == nil { session.write(own: frame.envelope) } else { session.write(line: line) }
        }
    }

    /// Tells the user's sessions of an event; those that do not read are not told, nor those whose token does not cover
    /// the room that it is about.
    func tell(_ event: ByteBuffer, to user: UserID) {
        lazy var line = RoomLineEncoder.line(ofEvent: event)?.line
        let room = EventRoom.room(of: event)
        for session in users[user] ?? [] where session.isWritable && !session.isListener {
            if let room, !session.mayRead(room) { continue }
            figures.deliveries += 1
            if session.console == nil { session.write(own: event) } else { session.write(line: line) }
        }
    }

    /// Tells every session of an event; those that do not read are not told.
    func tellEverybody(_ event: ByteBuffer) {
        lazy var line = RoomLineEncoder.line(ofEvent: event)?.line
        for session in sessions.values where session.isWritable {
            if session.console == nil { session.write(event: event) } else { session.write(line: line) }
        }
    }

    /// The room is another than it was: whoever may not be in it any more is put out, and told so.
    func roomChanged(_ room: ShardRoom, _ facts: RoomFacts?) {
        for session in Array(sessions.values) {
            guard let seat = session.seats[room.id], seat.room === room else { continue }
            if let facts, RoomPolicy.verdict(.read, in: room.id, by: seat.identity, facts: facts) == .allowed {
                continue
            }
            // A join of a room that is gone is settled by its answer: it may have been made again.
            if facts == nil, case .joining = seat.state { continue }
            session.putOut(of: room.id, reason: nil, saying: .noSuchRoom)
        }
    }
}
