public import RelayCore

/// Events as people read them.
public struct EventText: Sendable {
    private let rooms: [RoomID]

    /// Texts that name these rooms.
    public init(rooms: [RoomID]) {
        self.rooms = rooms
    }

    /// One line: when, who, what.
    public func line(_ event: CheckEvent) -> String {
        let milliseconds = String(event.at % 1000)
        let fraction = String(repeating: "0", count: 3 - milliseconds.count) + milliseconds
        let time = "\(event.at / 1000).\(fraction)s"
        let padding = String(repeating: " ", count: max(0, 10 - time.count))
        var parts = [padding + time]
        if let client = event.client { parts.append("client \(client)\(event.session > 0 ? "/\(event.session)" : "")") }
        parts.append(words(event.fact))
        if let room = event.room, rooms.indices.contains(room) { parts.append("[\(rooms[room])]") }
        return parts.joined(separator: "  ")
    }

    private func words(_ fact: CheckFact) -> String {
        switch fact {
        case .opened(let edge): "connected to edge \(edge)"
        case .closed(.own): "closed its connection"
        case .closed(.relay(let code)): "was closed with \(code)"
        case .closed(.lost): "lost its connection"
        case .stalled: "stops reading"
        case .resumed: "reads again"
        case .sent(let key, let attempt): "sends \(key)\(attempt > 1 ? ", attempt \(attempt)" : "")"
        case .acknowledged(let key, let place, let isDuplicate):
            "ack of \(key): \(words(place))\(isDuplicate ? ", a duplicate" : "")"
        case .refused(let key, let code): "\(key) is refused: \(code.rawValue)"
        case .unanswered(let key): "\(key) has no answer"
        case .joinAsked(.history(let count)): "joins, for the last \(count)"
        case .joinAsked(.since(let place, let epoch)): "joins since \(words(place)) of epoch \(epoch)"
        case .joined(let answer): words(answer)
        case .joinFailed: "its join failed"
        case .leaveAsked: "leaves"
        case .heard(let sighting): "hears \(words(sighting))"
        case .lagged(let from, let to, let count): "is told lagged \(from) to \(to), \(count) of them"
        case .rewound(let notice):
            "is told rewound from \(notice.from) to \(notice.to), epoch \(notice.epoch), \(notice.moved.count) moved"
        case .unreadable(let reason): "gets a frame that is none: \(reason)"
        default: wordsOfPlaces(fact)
        }
    }

    private func wordsOfPlaces(_ fact: CheckFact) -> String {
        switch fact {
        case .paged(let sighting, let edge) where edge >= 0: "history of edge \(edge) has \(words(sighting))"
        case .paged(let sighting, _): "a page of history has \(words(sighting))"
        case .stored(let sighting): "the stream has \(words(sighting))"
        case .streamFloor(let seq, _): "the stream begins at \(seq)"
        case .archived(let sighting): "the archive has \(words(sighting))"
        case .archiveGap(let from, let to, let reason): "the archive lacks \(from) to \(to): \(reason)"
        case .archiveStrange(let line): "the archive has a strange line: \(line)"
        case .faultBegan(let fault, let target): "fault: \(fault.rawValue) (\(target)) begins"
        case .faultEnded(let fault, let target): "fault: \(fault.rawValue) (\(target)) is over"
        case .edgeEnded(let edge, let status): "edge \(edge) ended with \(status)"
        default: ""
        }
    }

    private func words(_ place: Place) -> String { "number \(place.seq) (\(place.id))" }

    private func words(_ sighting: Sighting) -> String {
        let name = sighting.key?.description ?? "a message of nobody"
        return "\(words(sighting.place)) \(name)\(sighting.isAltered ? ", altered" : "")"
    }

    private func words(_ answer: JoinedFact) -> String {
        let state = answer.isRecovered ? "" : answer.isRewound ? ", not recovered: rewound" : ", not recovered: trimmed"
        return "is in at number \(answer.seq) of epoch \(answer.epoch), \(answer.count) messages"
            + "\(answer.more ? ", more to come" : "")\(state)"
    }
}
