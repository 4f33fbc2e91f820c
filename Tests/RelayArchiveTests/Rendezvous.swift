import NIOConcurrencyHelpers

/// Where threads wait until so many different ones have come.
final class Rendezvous: Sendable {
    private let arrived = ConditionLock(value: 0)
    private let names = NIOLockedValueBox<Set<String>>([])
    private let isInVain = NIOLockedValueBox(false)
    private let count: Int

    init(of count: Int) { self.count = count }

    /// Each name is waited with once. Nobody waits for ever: whom others waited for in vain is missed in `isComplete`,
    /// though he may come later.
    func come(_ name: String) {
        guard note(name) else { return }
        if arrived.lock(whenValue: count, timeoutSeconds: 30) {
            arrived.unlock()
        } else {
            isInVain.withLockedValue { $0 = true }
        }
    }

    /// Says that somebody has come, who does not wait. Answers whether for the first time.
    @discardableResult
    func note(_ name: String) -> Bool {
        arrived.lock()
        let (isNew, count) = names.withLockedValue { ($0.insert(name).inserted, $0.count) }
        arrived.unlock(withValue: min(count, self.count))
        return isNew
    }

    /// Whether all were there at once.
    var isComplete: Bool { arrived.value == count && !isInVain.withLockedValue { $0 } }
}
