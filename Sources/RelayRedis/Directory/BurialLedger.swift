internal import RelayCore

/// Which dead edges this one has buried, and when: they stay on the list until each living edge has seen them there.
struct BurialLedger {
    private var buried: [EdgeID: Moment] = [:]

    /// An edge has nobody in any room any more.
    mutating func ended(_ edge: EdgeID, now: Moment) { buried[edge] = now }

    /// Those who may go off the list.
    func mourned(now: Moment) -> [EdgeID] {
        buried.filter { now - $0.value >= HeartbeatCall.mourning }.map(\.key)
    }

    /// The list as it stands: whoever is not dead on it, or not on it at all, is no concern of burials.
    mutating func listed(_ dead: [EdgeID]) {
        guard !buried.isEmpty else { return }
        let dead = Set(dead)
        buried = buried.filter { dead.contains($0.key) }
    }
}
