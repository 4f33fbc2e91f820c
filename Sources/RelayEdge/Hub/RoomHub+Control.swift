import Logging
import NIOCore
import RelayCore
import RelayWire

/// What operators order of all edges, and what edges tell each other of users.
extension RoomHub: ControlChannelDelegate {
    func controlSubscribed() {
        readSanctions()
    }

    func controlReceived(_ payload: ByteBuffer) {
        let command: ControlCommand
        do {
            command = try ControlCoder.decode(payload)
        } catch {
            return rejectedOrder(error)
        }
        counters.controlCommands += 1
        perform(command)
    }

    /// Counts each, and says one a minute: whoever fills the channel with them must not fill the disk.
    private func rejectedOrder(_ error: Refusal) {
        counters.controlRejected += 1
        let now = Clock.now
        if let until = nonOrdersSilentUntil, now < until { return }
        nonOrdersSilentUntil = now + .seconds(60)
        // Its bytes came from outside: the refusal names them by their place only.
        logger.warning(
            "Not an order on the control channel; others within a minute are only counted",
            metadata: ["reason": "\(error.message)", "rejected": "\(counters.controlRejected)"])
    }

    func usageReceived(_ usages: [UserUsage], from edge: EdgeID) {
        guards.usageHeard(usages, from: edge)
    }

    /// Tells every edge what an admin orders; nil where that is done.
    func order(_ command: ControlCommand, completion: @escaping (Refusal?) -> Void) {
        guard let control else { return completion(.unavailable) }
        control.order(command, completion: completion)
    }

    private func perform(_ command: ControlCommand) {
        switch command {
        case .notice(let text, let room): tell(text, in: room)
        case .kick(let user, let room, let reason, let span):
            logger.notice("Operators send a user away", metadata: ["user": "\(user)"])
            if let span { impose(Sanction(.kick, user: user, room: room), for: span) }
            for index in links.indices { append(.kick(user, from: room, reason: reason), to: index) }
        case .mute(let user, let room, let span):
            logger.notice("Operators mute a user", metadata: ["user": "\(user)"])
            impose(Sanction(.mute, user: user, room: room), for: span)
        case .pardon(let user, let room):
            logger.notice("Operators pardon a user", metadata: ["user": "\(user)"])
            guards.update { $0.lifted(user: user, room: room) }
            control?.forget(user: user, room: room)
        case .drain(let edge):
            guard edge == configuration.edge else { return }
            logger.notice("Operators end this edge")
            configuration.onDrainOrdered?()
        }
    }

    private func tell(_ text: String, in id: RoomID?) {
        if let id {
            guard let room = rooms[id] else { return }
            let event = LiveEvent(.notice, room: id, text: text)
            return pass(EventCoder.encode(event, edge: configuration.edge), in: room)
        }
        var event = ByteBuffer()
        event.writeJSONObject { object in
            object.string("type", LiveEvent.Kind.notice.rawValue)
            object.string("text", text)
            object.string("edge", configuration.edge.description)
        }
        for index in links.indices { append(.notice(event), to: index) }
    }

    private func impose(_ sanction: Sanction, for span: Duration) {
        let end = Clock.milliseconds + UInt64(clamping: span.wholeMilliseconds)
        guards.update { $0.imposed(sanction, untilMilliseconds: end) }
        control?.remember(sanction, untilMilliseconds: end) { [guards] isDone in
            if isDone { guards.update { $0.saved(sanction) } }
        }
    }

    /// What was imposed while this edge did not listen, or before it started. Called with each heartbeat too.
    func readSanctions() {
        control?.readSanctions(nowMilliseconds: Clock.milliseconds) { [guards] result in
            // Without Redis what is known holds.
            if case .success(let held) = result { guards.update { $0.read(held) } }
        }
    }

    /// Called every second: the other edges are told who asked for much here.
    func usageWindowEnded() {
        let usages = guards.windowEnded()
        if !usages.isEmpty { control?.tell(usages) }
    }
}
