import NIOCore
import RelayCore
import RelayWire

extension RelayClient {
    /// A text message of the relay. What this version does not understand is passed over.
    func textReceived(_ text: ByteBuffer) {
        guard let frame = try? ServerFrameDecoder.decode(text) else { return }
        switch frame {
        case .message(let message): deliver(message)
        case .event(let event): deliver(event)
        case .notice(let text, _): _ = queue.offer(.notice(text))
        case .answer(let answer, let ref):
            if case .integer(let number) = ref, let entry = requests.removeValue(forKey: number) {
                answered(entry.request, with: answer)
            } else if case .acknowledged(let acknowledgement) = answer {
                // The answer to a try that was given up: the message is stored all the same.
                acknowledged(acknowledgement)
            }
        }
        proceed()
    }

    private func answered(_ request: Request, with answer: ServerAnswer) {
        switch request {
        case .hello: helloAnswered(answer)
        case .send(let nonce): sendAnswered(nonce, with: answer)
        case .rejoin(let room): rejoinAnswered(room, with: answer)
        case .join(let room, let continuation):
            let progress = joining.removeValue(forKey: room)
            switch answer {
            case .joined(let joined):
                // As the relay does: to who was in the room already it gives nothing back.
                if rooms[room] == nil, progress?.joinPoint != nil { returned(joined) }
                // Where it was joined before, live messages have moved it on while the answer was under way.
                let current = rooms[room]?.progress ?? progress ?? RoomProgress(room: room)
                rooms[room] = RoomState(progress: current, isAttached: true)
                attach(joined)
                continuation.resume(returning: answer)
            case .refused(let refusal): continuation.resume(throwing: RelayClientError.refused(refusal))
            default: continuation.resume(returning: answer)
            }
        case .other(let continuation):
            if case .refused(let refusal) = answer {
                continuation.resume(throwing: RelayClientError.refused(refusal))
            } else {
                continuation.resume(returning: answer)
            }
        }
    }

    private func helloAnswered(_ answer: ServerAnswer) {
        switch answer {
        case .welcome(let welcome): welcomed(welcome)
        case .refused(let refusal):
            switch refusal.code {
            case .unavailable, .draining, .rateLimited: loss = .notWelcomed(refusal)
            default: end = end ?? .unauthorized(refusal)
            }
            if let connection { Task { await connection.close() } }
        default: break
        }
    }

    // MARK: Sends

    private func sendAnswered(_ nonce: Nonce, with answer: ServerAnswer) {
        switch answer {
        case .acknowledged(let acknowledgement): acknowledged(acknowledgement)
        case .refused(let refusal):
            if case .fail(let nonce, let refusal) = outbox.refused(nonce, refusal, now: now) {
                senders.removeValue(forKey: nonce)?.resume(throwing: RelayClientError.refused(refusal))
            }
        case .output(_, let lines): commandAnswered(nonce, lines)
        case .paged(_, let user): commandAnswered(nonce, [ChatLine.paged(user)])
        default: _ = outbox.refused(nonce, .unavailable, now: now)
        }
    }

    private func commandAnswered(_ nonce: Nonce, _ lines: [String]) {
        guard outbox.settled(nonce) else { return }
        senders.removeValue(forKey: nonce)?.resume(throwing: RelayClientError.commandAnswered(lines: lines))
    }

    private func acknowledged(_ acknowledgement: Acknowledgement) {
        guard let nonce = acknowledgement.nonce, outbox.settled(nonce) else { return }
        senders.removeValue(forKey: nonce)?.resume(returning: acknowledgement)
    }

    // MARK: Rooms

    private func rejoinAnswered(_ room: RoomID, with answer: ServerAnswer) {
        switch answer {
        case .joined(let joined):
            rejoins.settled(room)
            returned(joined)
            guard rooms[room] != nil else { return }
            rooms[room]?.isAttached = true
            attach(joined)
        case .refused(let refusal):
            guard !refusal.isPassing else {
                return rejoins.postponed(room, until: now + (refusal.retryAfter ?? .milliseconds(500)))
            }
            rejoins.settled(room)
            guard rooms.removeValue(forKey: room) != nil else { return }
            tell(.dropped(room, refusal))
        default: rejoins.settled(room)
        }
    }

    /// A join with `since` is answered: what it has not brought does not count.
    private func returned(_ joined: JoinAnswer) {
        if !joined.more { outbox.rejoined(bringing: joined.messages.count) }
    }

    private func attach(_ joined: JoinAnswer) {
        if let word = rooms[joined.room]?.progress.joined(joined) { tell(word) }
        for message in joined.messages { deliver(message) }
    }

    private func deliver(_ received: ReceivedMessage) {
        let room = received.message.draft.room
        if rooms[room] == nil, room.directUsers != nil {
            _ = queue.offer(.direct(received))
            return
        }
        guard rooms[room]?.isAttached == true else { return }
        // A message may bring word of a gap with it.
        guard queue.hasRoom(for: 2) else {
            // Nothing is counted as given: the room is joined again from the last message that was.
            rooms[room]?.isAttached = false
            return
        }
        switch rooms[room]?.progress.messageReceived(received) {
        case .new: _ = queue.offer(.message(received))
        case .newAfterGap(let gap):
            _ = queue.offer(.gap(gap))
            _ = queue.offer(.message(received))
        case .known, nil: break
        }
    }

    private func deliver(_ received: ReceivedEvent) {
        let room = received.event.room
        if received.event.kind == .page {
            _ = queue.offer(.event(received))
            return
        }
        guard rooms[room]?.isAttached == true, let event = rooms[room]?.progress.eventReceived(received) else { return }
        if case .event = event {
            _ = queue.offer(event)
        } else {
            tell(event)
        }
    }

    /// The owner has read on: rooms that were left with the relay meanwhile are fetched.
    func eventsDrained() {
        guard welcome != nil else { return }
        for (room, state) in rooms where !state.isAttached { rejoins.wanted(room) }
        proceed()
    }
}
