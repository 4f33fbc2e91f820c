import RelayCore

/// Sends that have two places. Where Redis never lost anything each is a broken promise; else it is for the end to say,
/// since the word that a message has moved may come later than the message.
extension RoomVerifier {
    /// A send, and the numbers of its two places.
    struct Pair: Hashable, Sendable {
        var key: SendKey
        var low: UInt64
        var high: UInt64
    }

    /// Two places of one send, and what it is if nothing accounts for it.
    struct DoubledSend: Sendable {
        var places: (Place, Place)
        var violation: Violation
    }

    /// Doubles that are remembered; of more the first say enough.
    private static let doublesMax = 10_000

    /// A send stands, or was acknowledged, at a second place.
    mutating func doubled(_ key: SendKey, _ place: Place, _ other: Place, _ violation: Violation) -> [Violation] {
        guard horizon.firstLossAt != nil || isDestination(place, from: other) else { return [violation] }
        guard doubles.count < Self.doublesMax else { return [] }
        let pair = Pair(key: key, low: min(place.seq, other.seq), high: max(place.seq, other.seq))
        doubles[pair] = doubles[pair] ?? DoubledSend(places: (place, other), violation: violation)
        return []
    }

    /// Those that nothing accounts for: no notice says that one went to the place of the other, nor did Redis forget
    /// between two attempts of the sender, and with the rest the nonce of the first.
    func unaccountedDoubles() -> [Violation] {
        doubles.sorted { $0.key.high < $1.key.high }.compactMap { pair, double in
            let (one, other) = double.places
            if isDestination(one, from: other) || isDestination(other, from: one) { return nil }
            let isTriedAgain = (sends[pair.key]?.attempts ?? 0) > 1
            return isTriedAgain && horizon.lies(between: one.id, and: other.id) ? nil : double.violation
        }
    }

    /// Whether a notice says that this is where a message has gone; whether it is the right one, `conclude` looks.
    private func isDestination(_ place: Place, from other: Place) -> Bool {
        moves[place] != nil || origins[place]?.seq == other.seq
    }
}
