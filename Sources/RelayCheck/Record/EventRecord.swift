/// The newest events of a run, and the few of them that show a violation.
///
/// Bounded: messages as they are seen are kept apart from all else, since there are most of them, and the oldest of
/// either go first. At 64 bytes an event that is at most 100 MB.
public struct EventRecord: Sendable {
    private var sightings: EventRing
    private var others: EventRing

    /// A record that keeps so many sightings, and so many other events.
    public init(sightingsMax: Int = 500_000, othersMax: Int = 1_000_000) {
        sightings = EventRing(capacity: sightingsMax)
        others = EventRing(capacity: othersMax)
    }

    /// Keeps an event.
    public mutating func append(_ event: CheckEvent) {
        switch event.fact {
        case .heard, .stored, .paged, .archived: sightings.append(event)
        case .streamFloor: break
        default: others.append(event)
        }
    }

    /// Lines that show a violation: what is about its messages, and of its reader what lies before and between.
    public static let linesMax = 24

    /// The shortest history that shows a violation, in time order.
    public func history(of focus: Violation.Focus) -> [CheckEvent] {
        let selection = HistorySelection(focus)
        var core: [CheckEvent] = []
        sightings.forEach { if selection.isCore($0) { core.append($0) } }
        others.forEach { if selection.isCore($0) { core.append($0) } }
        core.sort { $0.at < $1.at }
        core = Self.cut(selection.thinned(core))
        let from = core.first?.at ?? 0
        let to = core.last?.at ?? .max
        var between: [CheckEvent] = []
        var before: [HistorySelection.Kind: CheckEvent] = [:]
        others.forEach { event in
            guard let kind = selection.contextKind(of: event), !selection.isCore(event) else { return }
            if event.at >= from, event.at <= to {
                between.append(event)
            } else if event.at < from {
                before[kind] = event
            }
        }
        // Of what lies before, the last of each kind says how things stood; of what lies between, the nearest counts.
        let room = max(0, Self.linesMax - core.count - before.count)
        if between.count > room {
            between.sort { Self.distance(of: $0, to: core) < Self.distance(of: $1, to: core) }
            between.removeSubrange(room...)
        }
        return (core + between + before.values).sorted { $0.at < $1.at }
    }

    private static func distance(of event: CheckEvent, to core: [CheckEvent]) -> UInt32 {
        core.map { $0.at > event.at ? $0.at - event.at : event.at - $0.at }.min() ?? 0
    }

    /// The core of a history takes two thirds of its lines at most.
    private static func cut(_ events: [CheckEvent]) -> [CheckEvent] {
        let half = linesMax / 3
        return events.count <= 2 * half ? events : Array(events.prefix(half)) + Array(events.suffix(half))
    }
}

/// Which events belong to a violation.
struct HistorySelection {
    /// Kinds of events that say how things stood.
    enum Kind: Hashable {
        case opened, closed, stall, join, loss, fault
    }

    private let focus: Violation.Focus

    init(_ focus: Violation.Focus) {
        self.focus = focus
    }

    /// Whether it is about one of the messages, or one of the sends.
    func isCore(_ event: CheckEvent) -> Bool {
        guard event.room == focus.room || event.room == nil else { return false }
        switch event.fact {
        case .sent(let key, _), .refused(let key, _), .unanswered(let key): return focus.keys.contains(key)
        case .acknowledged(let key, let place, _): return focus.keys.contains(key) || isNear(place.seq, by: 0)
        // What came just before and just after shows the hole.
        case .heard(let sighting):
            guard let client = focus.client else { return isNear(sighting.place.seq, by: 0) }
            return event.client == client && isNear(sighting.place.seq, by: 1)
        case .stored(let sighting), .archived(let sighting), .paged(let sighting, _):
            return isNear(sighting.place.seq, by: 0)
        case .lagged, .rewound: return focus.client != nil && event.client == focus.client && focus.seqs != nil
        case .archiveGap(let from, let to, _):
            return focus.seqs.map { $0.overlaps(min(from, to)...max(from, to)) } ?? false
        case .archiveStrange: return focus.seqs == nil
        case .closed, .unreadable: return focus.seqs == nil && event.client == focus.client
        case .edgeEnded: return focus.seqs == nil && focus.client == nil
        default: return false
        }
    }

    /// Whether it says how things stood, and in what respect.
    func contextKind(of event: CheckEvent) -> Kind? {
        switch event.fact {
        case .faultBegan where event.room == nil || event.room == focus.room: return .fault
        case .faultEnded(let fault, _) where fault.lasts: return .fault
        default: break
        }
        guard let client = focus.client, event.client == client,
            event.room == nil || event.room == focus.room
        else { return nil }
        switch event.fact {
        case .opened: return .opened
        case .closed: return .closed
        case .stalled, .resumed: return .stall
        case .joinAsked, .joined, .leaveAsked: return .join
        case .lagged, .rewound: return .loss
        default: return nil
        }
    }

    private func isNear(_ seq: UInt64, by distance: UInt64) -> Bool {
        if seq == focus.otherSeq { return true }
        guard let seqs = focus.seqs else { return false }
        let low = seqs.lowerBound - min(distance, seqs.lowerBound)
        return seq >= low && seq <= seqs.upperBound + distance
    }

    /// Of many deliveries of one message to others, the first shows that it was there.
    func thinned(_ events: [CheckEvent]) -> [CheckEvent] {
        var shown: [Place: Int] = [:]
        return events.filter { event in
            guard case .heard(let sighting) = event.fact, focus.client == nil else { return true }
            shown[sighting.place, default: 0] += 1
            return shown[sighting.place, default: 0] <= 2
        }
    }
}

/// A list that drops its oldest elements where it is full.
private struct EventRing: Sendable {
    private var events: [CheckEvent] = []
    private var oldest = 0
    private let capacity: Int

    init(capacity: Int) {
        self.capacity = max(1, capacity)
    }

    mutating func append(_ event: CheckEvent) {
        guard events.count == capacity else { return events.append(event) }
        events[oldest] = event
        oldest = (oldest + 1) % capacity
    }

    func forEach(_ body: (CheckEvent) -> Void) {
        for index in events.indices { body(events[(oldest + index) % events.count]) }
    }
}
