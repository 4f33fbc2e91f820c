import RelayCheck
import RelayCore

/// A record made by hand: two clients on two edges hear in one room what the first one says.
struct Story {
    var events: [CheckEvent] = []
    var ending = RoomVerifier.Ending(hasArchive: true, lastSeq: 0)
    private var time: UInt32 = 0
    private var lastNumber: UInt32 = 0

    static let epoch: UInt64 = 1_763_691_000_000

    /// Six messages, each stored, acknowledged, heard by both, archived, and in the history of both edges.
    static func clean() -> Story {
        var story = Story()
        for client in 0...1 {
            story.add(client: client, .opened(edge: client), inRoom: false)
            story.add(client: client, .joinAsked(.history(10)))
            story.add(client: client, .joined(joined(seq: 0)))
        }
        for seq: UInt64 in 1...6 { story.say(seq) }
        story.close()
        return story
    }

    static func joined(
        seq: UInt64, count: Int = 0, isRecovered: Bool = true, isRewound: Bool = false, epoch: UInt64 = epoch
    ) -> JoinedFact {
        JoinedFact(
            epoch: epoch, seq: seq, isRecovered: isRecovered, isRewound: isRewound, more: false, count: count)
    }

    static func place(_ seq: UInt64) -> Place {
        Place(id: MessageID(milliseconds: epoch + seq * 10, sequence: 0), seq: seq)
    }

    static func key(_ number: UInt32, hasNonce: Bool = true) -> SendKey {
        SendKey(client: 0, number: number, hasNonce: hasNonce)
    }

    static func sighting(_ seq: UInt64, _ key: SendKey?) -> Sighting {
        Sighting(place: place(seq), key: key, digest: 1000 + seq)
    }

    mutating func add(client: Int? = nil, _ fact: CheckFact, inRoom: Bool = true) {
        time += 10
        events.append(
            CheckEvent(
                at: time, room: inRoom ? 0 : nil, client: client, session: client.map { UInt32($0) + 1 } ?? 0, fact))
    }

    /// The first client says something, and it gets this number.
    mutating func say(_ seq: UInt64) {
        lastNumber += 1
        let key = Self.key(lastNumber)
        add(client: 0, .sent(key, attempt: 1))
        put(seq, key)
        add(client: 0, .acknowledged(key, Self.place(seq), isDuplicate: false))
    }

    /// Nothing happens for so long.
    mutating func pass(milliseconds: UInt32) { time += milliseconds }

    /// A message of that number is stored and heard.
    mutating func put(_ seq: UInt64, _ key: SendKey?) {
        let sighting = Self.sighting(seq, key)
        add(.stored(sighting))
        for client in 0...1 { add(client: client, .heard(sighting)) }
    }

    /// All that was stored is read in the archive and from both edges.
    mutating func close() {
        let stored = events.compactMap { if case .stored(let sighting) = $0.fact { sighting } else { nil } }
        for sighting in stored { add(.archived(sighting)) }
        for edge in 0...1 { for sighting in stored { add(.paged(sighting, edge: edge)) } }
        add(.streamFloor(seq: 1, asked: time))
        ending.lastSeq = stored.map(\.place.seq).max() ?? 0
    }

    /// Where the first event is that fits.
    func index(_ fits: (CheckEvent) -> Bool) -> Int { events.firstIndex(where: fits) ?? 0 }

    /// Where a client hears a number.
    func hears(_ client: Int, _ seq: UInt64) -> Int {
        index { event in
            guard case .heard(let sighting) = event.fact else { return false }
            return event.client == client && sighting.place.seq == seq
        }
    }

    func archives(_ seq: UInt64) -> Int {
        index { if case .archived(let sighting) = $0.fact { sighting.place.seq == seq } else { false } }
    }

    func stores(_ seq: UInt64) -> Int {
        index { if case .stored(let sighting) = $0.fact { sighting.place.seq == seq } else { false } }
    }

    func acknowledges(_ seq: UInt64) -> Int {
        index { if case .acknowledged(_, let place, _) = $0.fact { place.seq == seq } else { false } }
    }

    /// What the verifier says of it.
    var verdict: [Violation] { Verifier.verify(events, rooms: 1, edges: 2, endings: [ending]) }
    var rules: Set<CheckRule> { Set(verdict.map(\.rule)) }
}
