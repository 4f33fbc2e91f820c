public import RelayCore
public import RelayWire

extension RelayClient {
    // MARK: Rooms

    /// Joins a room and stays in it across reconnections. Its messages come as events, those of the answer first.
    ///
    /// - Parameters:
    ///   - room: which room.
    ///   - point: from where: the newest so many, or everything after a message of an earlier run. For a room that is
    ///     joined already it is passed over: the client goes on from the last message that it gave.
    /// - Returns: where the room stands and who is there; its `messages` are those that come as events.
    /// - Throws: `RelayClientError`.
    @discardableResult
    public func join(
        _ room: RoomID, from point: JoinPoint = .history(limit: Limits.historyDefault)
    ) async throws -> JoinAnswer {
        try await untilConnected()
        var progress = RoomProgress(room: room)
        if case .since(let id, let epoch) = point { progress = RoomProgress(room: room, since: id, epoch: epoch) }
        if let known = rooms[room]?.progress { progress = known }
        let effective = progress.joinPoint ?? point
        let answer = try await withCheckedThrowingContinuation { continuation in
            joining[room] = progress
            request(.join(room, from: effective), as: .join(room, continuation), failing: continuation)
        }
        guard case .joined(let joined) = answer else { throw RelayClientError.timedOut }
        return joined
    }

    /// Leaves a room; none of its messages comes any more.
    ///
    /// - Throws: `RelayClientError`.
    public func leave(_ room: RoomID) async throws {
        rooms[room] = nil
        rejoins.dropped(room)
        _ = try await ask(.leave(room))
    }

    /// A page of a room's history, ascending.
    ///
    /// - Throws: `RelayClientError`.
    public func history(_ room: RoomID, _ span: HistorySpan) async throws -> HistoryAnswer {
        guard case .history(let answer) = try await ask(.history(room, span)) else { throw RelayClientError.timedOut }
        return answer
    }

    /// Who is in a room, over all edges; at most `Limits.whoMax` people.
    ///
    /// - Throws: `RelayClientError`.
    public func who(_ room: RoomID) async throws -> [Occupant] {
        guard case .who(_, let occupants, _) = try await ask(.who(room)) else { throw RelayClientError.timedOut }
        return occupants
    }

    /// A part of this user's conversation list, the newest first: rooms with their last message and what is unread.
    ///
    /// - Parameter place: where the part before it ended; nil for the beginning.
    /// - Returns: the rooms, and whether there are more.
    /// - Throws: `RelayClientError`.
    public func conversations(
        after place: ConversationPlace? = nil, limit: Int = Limits.conversationsListed
    ) async throws -> (rooms: [ListedRoom], more: Bool) {
        guard case .rooms(let rooms, let more) = try await ask(.rooms(ConversationPage(after: place, limit: limit)))
        else { throw RelayClientError.timedOut }
        return (rooms, more)
    }

    /// Says that this user has read a room up to a message; every session of the user hears of it. A marker never goes
    /// back.
    ///
    /// - Returns: where the marker stands now.
    /// - Throws: `RelayClientError`.
    @discardableResult
    public func markRead(_ room: RoomID, upTo id: MessageID) async throws -> ReadMarker {
        guard case .marked(_, let marker) = try await ask(.read(room, id)) else { throw RelayClientError.timedOut }
        return marker
    }

    /// Rings at a user, who is to look at a room.
    ///
    /// - Throws: `RelayClientError`.
    public func page(_ user: UserID, in room: RoomID) async throws {
        guard case .paged = try await ask(.page(room, to: user)) else { throw RelayClientError.timedOut }
    }

    /// How long the relay takes to answer.
    ///
    /// - Throws: `RelayClientError`.
    public func ping() async throws -> Duration {
        let start = clock.now
        _ = try await ask(.ping)
        return clock.now - start
    }

    // MARK: Sending

    /// Sends a message and waits until the relay has stored it. Messages to one room keep the order of the calls.
    ///
    /// Lost connections, and refusals that time heals (`unavailable`, `rate_limited`, `draining`), are tried again
    /// with the same nonce, so that it is stored once.
    ///
    /// - Parameters:
    ///   - room: where; it need not be joined.
    ///   - text: the words. One that begins with `/` is a command, `//` stands for a slash.
    ///   - type: `message` or `action`.
    ///   - nonce: the message's own mark; one is made where there is none.
    ///   - replyTo: the message that this one answers.
    /// - Returns: the message's id and number.
    /// - Throws: `RelayClientError`.
    @discardableResult
    public func send(
        _ room: RoomID, _ text: String, type: MessageType = .message, nonce: Nonce? = nil, replyTo: MessageID? = nil
    ) async throws -> Acknowledgement {
        if let end { throw RelayClientError.closed(end) }
        let nonce = nonce ?? Self.freshNonce()
        let utterance = Utterance(room: room, type: type, text: text, nonce: nonce, replyTo: replyTo)
        try outbox.added(utterance, nonce: nonce, expiry: now + configuration.sendDeadline)
        return try await withCheckedThrowingContinuation { continuation in
            senders[nonce] = continuation
            proceed()
        }
    }

    /// Says something to one user alone, as `send` does: in the direct conversation of both, which need not be joined.
    ///
    /// - Returns: the message's id and number.
    /// - Throws: `RelayClientError`.
    @discardableResult
    public func direct(
        _ user: UserID, _ text: String, type: MessageType = .message, nonce: Nonce? = nil, replyTo: MessageID? = nil
    ) async throws -> Acknowledgement {
        try await untilConnected()
        guard let own = welcome?.identity.user else { throw RelayClientError.notConnected }
        return try await send(.direct(own, user), text, type: type, nonce: nonce, replyTo: replyTo)
    }

    /// 96 random bits: no two messages of a user within ten minutes will share them.
    private static func freshNonce() -> Nonce {
        let high = String(UInt64.random(in: .min ... .max), radix: 36)
        let low = String(UInt32.random(in: .min ... .max), radix: 36)
        guard let nonce = Nonce("c-\(high)\(low)") else { preconditionFailure("letters and digits are a nonce") }
        return nonce
    }

    // MARK: How requests travel

    private func ask(_ command: ClientCommand) async throws -> ServerAnswer {
        try await untilConnected()
        return try await withCheckedThrowingContinuation { continuation in
            request(command, as: .other(continuation), failing: continuation)
        }
    }

    private func request(
        _ command: ClientCommand, as request: Request,
        failing continuation: CheckedContinuation<ServerAnswer, any Error>
    ) {
        if connection == nil {
            continuation.resume(throwing: RelayClientError.notConnected)
        } else if requests.count >= configuration.requestsMax {
            continuation.resume(throwing: RelayClientError.tooManyRequests)
        } else {
            issue(command, as: request)
        }
    }

    /// Waits for a connection on which the relay knows who this is.
    private func untilConnected() async throws {
        if let end { throw RelayClientError.closed(end) }
        guard welcome == nil else { return }
        guard arrivals.count < configuration.requestsMax else { throw RelayClientError.tooManyRequests }
        lastRef += 1
        let ticket = lastRef
        try await withCheckedThrowingContinuation { continuation in
            arrivals[ticket] = (continuation, now + configuration.requestDeadline)
            armTimer()
        }
    }

    /// Writes an op. Where the socket is full or gone, the answer's deadline or the end of the connection settles it.
    func issue(_ command: ClientCommand, as request: Request) {
        lastRef += 1
        requests[lastRef] = (request, now + configuration.requestDeadline)
        if case .send = command {} else { outbox.charged(cost: command.cost, now: now) }
        _ = connection?.trySend(RequestEncoder.encode(command, ref: .integer(lastRef)))
        armTimer()
    }

    /// Sends whatever may go out now.
    func proceed() {
        if welcome != nil {
            if let room = rejoins.due(now: now), let point = rooms[room]?.progress.joinPoint {
                issue(.join(room, from: point), as: .rejoin(room))
            }
            for utterance in outbox.due(now: now) {
                if let nonce = utterance.nonce { issue(.send(utterance), as: .send(nonce)) }
            }
        }
        armTimer()
    }

    // MARK: Time

    func armTimer() {
        var moments = requests.values.map(\.deadline) + arrivals.values.map(\.deadline)
        if let deadline = outbox.deadline { moments.append(deadline) }
        if let paused = rejoins.pausedUntil { moments.append(paused) }
        guard let earliest = moments.min(), end == nil else { return }
        // A timer that fires too early costs one look; only an earlier moment needs a new one.
        if let timer, timer.moment <= earliest { return }
        timer?.task.cancel()
        let span = max(.milliseconds(1), earliest - now)
        let task = Task { [weak self] in
            do { try await Task.sleep(for: span) } catch { return }
            await self?.timePassed()
        }
        timer = (task, earliest)
    }

    private func timePassed() {
        timer = nil
        let now = now
        for (ref, entry) in requests where entry.deadline <= now {
            requests[ref] = nil
            timedOut(entry.request)
        }
        for (ticket, arrival) in arrivals where arrival.deadline <= now {
            arrivals[ticket] = nil
            arrival.continuation.resume(throwing: RelayClientError.timedOut)
        }
        for nonce in outbox.timePassed(now: now) {
            senders.removeValue(forKey: nonce)?.resume(throwing: RelayClientError.unacknowledged(nonce))
        }
        proceed()
    }

    private func timedOut(_ request: Request) {
        switch request {
        case .hello:
            // A relay that does not even answer a hello is not there.
            if let connection { Task { await connection.cut() } }
        case .rejoin(let room): rejoins.postponed(room, until: now)
        case .send(let nonce): _ = outbox.refused(nonce, .unavailable, now: now)
        case .join(let room, let continuation):
            joining[room] = nil
            continuation.resume(throwing: RelayClientError.timedOut)
        case .other(let continuation): continuation.resume(throwing: RelayClientError.timedOut)
        }
    }
}
