internal import RedisClient
internal import RedisProtocol
internal import RelayCore

/// The steps in which a room gets back what Redis lost; see `restore.lua`.
enum RestoreStep: String {
    /// Is anything lost?
    case look
    /// This is what the edge posted.
    case stage
    /// Put back what all edges staged, unless others may have more.
    case settle
    /// Where is what was staged?
    case ask
}

/// The arguments of `restore.lua`, which the script itself explains.
enum RestoreCall {
    static func arguments(
        _ call: RestoreStateMachine.Call, edge: EdgeID, publishCommand: String
    ) -> RedisArguments {
        let isWhole = call.step == .stage
        var arguments = RedisArguments(capacity: 256 + call.messages.count * (isWhole ? 600 : 48))
        arguments.append(call.step.rawValue)
        arguments.append(publishCommand)
        arguments.append(call.room.description)
        arguments.append(edge.description)
        arguments.append(String(call.known?.seq ?? 0))
        arguments.append(call.known?.id.description ?? "")
        let knownEpoch = call.known?.epoch ?? call.heard?.epoch ?? 0
        arguments.append(String(knownEpoch))
        // Numbers heard in another epoch say nothing of this one.
        let heard = call.heard.flatMap { $0.epoch == knownEpoch ? $0 : nil }
        arguments.append(String(heard?.lastSeq ?? 0))
        arguments.append(heard?.lastID?.description ?? "")
        arguments.append(contentsOf: call.nature?.fields ?? RoomNature.names.map { _ in "" })
        arguments.append(call.lot)
        for entry in call.messages {
            arguments.append(entry.id.description)
            arguments.append(String(entry.seq))
            if isWhole { PostCall.append(entry.draft, to: &arguments) }
        }
        return arguments
    }
}

/// What `restore.lua` answers.
struct RestoreReply: Equatable {
    /// What became of one message of the call.
    enum Place: Equatable {
        /// Nothing has to be done for it.
        case settled
        /// It is to be put back.
        case staged
        /// It stands there now.
        case moved(id: MessageID, seq: UInt64)
        /// It is nowhere.
        case missing
    }

    /// The script's word on the room, by the step: something is lost; others may have something to put back.
    var isOpen: Bool
    /// What the edge staged was lost before it was put back.
    var isLotLost: Bool
    /// Where the room stands; nil where it does not exist.
    var position: PostPosition?
    /// What the messages of this call were staged in; empty for the other steps.
    var lot: String
    var places: [Place]

    init(
        isOpen: Bool, isLotLost: Bool = false, position: PostPosition?, lot: String = "", places: [Place] = []
    ) {
        self.isOpen = isOpen
        self.isLotLost = isLotLost
        self.position = position
        self.lot = lot
        self.places = places
    }

    /// Reads a reply to a call with so many messages; nil where it is not one.
    init?(_ value: RESPValue, step: RestoreStep, count: Int) {
        let count = step == .stage || step == .ask ? count : 0
        guard let elements = value.array, let state = elements.first?.int,
            elements.count == 5 + (state == 2 ? 0 : count),
            let epoch = elements[1].string.flatMap({ UInt64($0) }),
            let seq = elements[2].string.flatMap({ UInt64($0) }),
            let id = elements[3].string.flatMap({ MessageID($0) }), let lot = elements[4].string
        else { return nil }
        isOpen = state == 1
        isLotLost = state == 2
        self.lot = lot
        position = epoch == 0 ? nil : PostPosition(epoch: epoch, seq: seq, id: id)
        places = []
        for element in elements[5...] {
            guard let place = Self.place(element) else { return nil }
            places.append(place)
        }
    }

    private static func place(_ element: RESPValue) -> Place? {
        if let number = element.int { return number == 1 ? .staged : .settled }
        guard let text = element.string else { return nil }
        switch text {
        case "": return .settled
        case "?": return .missing
        default:
            let parts = text.split(separator: " ")
            guard parts.count == 2, let id = MessageID(String(parts[0])), let seq = UInt64(parts[1]) else { return nil }
            return .moved(id: id, seq: seq)
        }
    }
}
