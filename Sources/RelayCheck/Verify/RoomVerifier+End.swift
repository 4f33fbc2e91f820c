import RelayCore

/// What can be said only when a run is over.
extension RoomVerifier {
    /// What was read when everything had come to rest.
    public struct Ending: Sendable {
        /// Whether the archive was read.
        public var hasArchive: Bool
        /// The highest number that Redis has given.
        public var lastSeq: UInt64

        /// An ending of the given parts.
        public init(hasArchive: Bool, lastSeq: UInt64) {
            self.hasArchive = hasArchive
            self.lastSeq = lastSeq
        }
    }

    /// How many messages the room has.
    public var messageCount: UInt64 { ledger.lastSeq }

    /// Whether every reader who is in the room has everything up to this number.
    public func isRead(upTo seq: UInt64) -> Bool {
        readers.values.allSatisfy { !$0.isReading || ($0.next ?? 0) > seq || seq == 0 }
    }

    /// Looks at what is left open.
    public func conclude(_ ending: Ending) -> [Violation] {
        var found = pagesShort(of: ending.lastSeq)
        // The newest message known so far.
        var below = MessageID.zero
        for seq in stride(from: 1, through: max(ledger.lastSeq, ending.lastSeq), by: 1) {
            let entry = ledger[seq]
            if let violation = judge(entry, seq, behind: below, ending) { found.append(violation) }
            if !entry.marks.isEmpty { below = entry.id }
        }
        for (client, reader) in readers.sorted(by: { $0.key < $1.key }) where reader.isReading {
            // Who came last and was given nothing waits for what comes next.
            guard let next = reader.next, next <= ending.lastSeq else { continue }
            let text = "client \(client) is in the room and never got \(Self.numbers(next...ending.lastSeq))."
            found.append(Violation(.undelivered, text, focus: focus(next...ending.lastSeq, client: client)))
        }
        return found + falseMoves() + unaccountedDoubles()
    }

    /// Messages that are not where they were said to have gone.
    private func falseMoves() -> [Violation] {
        moves.sorted { $0.key.seq < $1.key.seq }.compactMap { place, key in
            let entry = ledger[place.seq]
            guard entry.id != place.id || entry.key ?? entry.ackedKey != key else { return nil }
            let text = "\(key) was said to have moved to number \(place.seq) (\(place.id)), and is not there."
            return Violation(.falseRewind, text, focus: focus(place.seq...place.seq, keys: [key]))
        }
    }

    private func judge(
        _ entry: RoomLedger.Entry, _ seq: UInt64, behind below: MessageID, _ ending: Ending
    ) -> Violation? {
        let name = entry.ackedKey ?? entry.key
        let about = focus(seq...seq, keys: [name])
        // What Redis was made to lose may be gone, but nothing that was said since.
        let mayBeGone = horizon.mayLack(from: entry.marks.isEmpty ? below : entry.id)
        if mayBeGone, !entry.marks.contains(.stored) { return nil }
        if entry.marks.isEmpty {
            return Violation(.density, "No message has number \(seq).", focus: about)
        }
        if entry.marks.isDisjoint(with: [.stored, .archived]) {
            guard entry.marks.contains(.acknowledged) else {
                return Violation(.missing, "Number \(seq) was delivered and is not stored.", focus: about)
            }
            let text = "\(name?.description ?? "A send") was acknowledged as number \(seq) and is not there."
            return Violation(.missing, text, focus: about)
        }
        guard ending.hasArchive, !entry.marks.contains(.archived), !mayBeGone else { return nil }
        let text = "Number \(seq) (\(name?.description ?? "")) is in the stream and not in the archive."
        return Violation(.unarchived, text, focus: about)
    }
}
