import RelayCore

/// What stands in the stream, in pages of history and in the archive.
extension RoomVerifier {
    mutating func stored(_ sighting: Sighting, _ event: CheckEvent) -> [Violation] {
        let last = storedLast
        storedLast = sighting.place
        var found = see(sighting, .stored, event)
        if let last, sighting.place.seq <= last.seq, !horizon.mayLack(from: last.id) {
            let text = "The stream has number \(sighting.place.seq) behind \(last.seq)."
            found.append(Violation(.density, text, focus: focus(last.seq...last.seq)))
        }
        return found
    }

    mutating func floorSeen(_ floor: UInt64, asked: UInt32) -> [Violation] {
        // The look has to be a later one than what it is held against.
        let ready = claims.filter { $0.at < asked }
        claims.removeAll { $0.at < asked }
        return ready.compactMap { claim in
            guard claim.seqs.upperBound >= floor, !mayBeTrue(claim) else { return nil }
            let text =
                "client \(claim.client ?? -1) was told that \(Self.numbers(claim.seqs)) are gone; the stream begins at "
                + "\(floor)."
            return Violation(.falseLoss, text, focus: focus(claim.seqs, client: claim.client))
        }
    }

    /// Whether these numbers may be gone by a loss that was caused before somebody was told so. Of what nobody has seen
    /// it cannot be said.
    private func mayBeTrue(_ claim: LossClaim) -> Bool {
        guard let first = horizon.firstLossAt, first <= claim.at else { return false }
        let entry = ledger[claim.seqs.lowerBound]
        return entry.marks.isEmpty || horizon.mayLack(from: entry.id)
    }

    mutating func paged(_ sighting: Sighting, edge: Int, _ event: CheckEvent) -> [Violation] {
        let seq = sighting.place.seq
        var found = see(sighting, .seen, event)
        if edge >= 0 {
            if let last = pagedLast[edge], seq != last.seq + 1, !horizon.mayLack(from: last.id) {
                let text = "The history of edge \(edge) has number \(seq) behind \(last.seq)."
                found.append(Violation(.hole, text, focus: focus(min(seq, last.seq + 1)...max(seq, last.seq))))
            }
            pagedLast[edge] = sighting.place
        }
        return found
    }

    mutating func archived(_ sighting: Sighting, _ event: CheckEvent) -> [Violation] {
        let (place, last) = (sighting.place, archivedLast)
        if last.map({ $0.id < place.id }) ?? true { archivedLast = place }
        let isTwice = ledger[place.seq].marks.contains(.archived) && ledger[place.seq].id == place.id
        let found = see(sighting, .archived, event)
        guard isTwice || last.map({ $0.id >= place.id }) ?? false else { return found }
        let text =
            isTwice
            ? "Number \(place.seq) stands in the archive twice."
            : "Number \(place.seq) stands in the archive behind number \(last?.seq ?? 0)."
        return found + [Violation(.archiveOrder, text, focus: focus(place.seq...place.seq, keys: [sighting.key]))]
    }

    func archiveGap(from: UInt64, to: UInt64, _ reason: String, _ event: CheckEvent) -> [Violation] {
        guard to >= from, !horizon.mayLack(from: archivedLast?.id ?? .zero) else { return [] }
        let text = "The archive says that \(Self.numbers(from...to)) are missing (\(reason)), and nothing was trimmed."
        return [Violation(.unarchived, text, focus: focus(from...to))]
    }

    /// What the last look at each edge's history lacks at its end.
    func pagesShort(of last: UInt64) -> [Violation] {
        pagedLast.sorted { $0.key < $1.key }.filter { $0.value.seq < last }.map { edge, place in
            let gone = place.seq + 1...last
            return Violation(
                .undelivered, "The history of edge \(edge) ends before \(Self.numbers(gone)).", focus: focus(gone))
        }
    }
}
