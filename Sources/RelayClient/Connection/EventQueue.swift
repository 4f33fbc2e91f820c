import DequeModule
import NIOConcurrencyHelpers

/// A bounded queue between whoever makes events and the tasks that wait for them.
///
/// It never drops what it has taken and never blocks the maker: the maker is told that the queue is full and, once
/// half of it has been taken out again, that there is room.
final class EventQueue<Element: Sendable>: Sendable {
    private struct State {
        var elements: Deque<Element> = []
        var waiters: [(id: UInt64, continuation: CheckedContinuation<Void, Never>)] = []
        /// What waiters were given and have not come for yet. Not through their continuations: Thread Sanitizer does
        /// not see every way in which Swift's runtime hands a value to a task, but it sees a lock.
        var given: [UInt64: Element] = [:]
        var waiterID: UInt64 = 0
        var isFinished = false
        var owesDrained = false
        var onDrained: (@Sendable () -> Void)?
    }

    private let capacity: Int
    private let state = NIOLockedValueBox(State())

    /// A queue for `capacity` elements.
    init(capacity: Int) {
        self.capacity = max(2, capacity)
    }

    /// Sets who is told that there is room again, once for each time that the queue was said to be full.
    func whenDrained(_ body: @escaping @Sendable () -> Void) {
        state.withLockedValue { $0.onDrained = body }
    }

    /// Takes the element in any case; false where the queue is full now: the maker has to stop until it is drained.
    func append(_ element: Element) -> Bool {
        let (waiter, hasRoom) = state.withLockedValue { state in take(element, into: &state) }
        waiter?.resume()
        return hasRoom
    }

    /// Takes the element only where there are fewer than `capacity + extra`.
    func offer(_ element: Element, extra: Int = 0) -> Bool {
        let (waiter, isTaken) = state.withLockedValue { state -> (CheckedContinuation<Void, Never>?, Bool) in
            guard state.elements.count < capacity + extra else {
                state.owesDrained = true
                return (nil, false)
            }
            return (take(element, into: &state).0, true)
        }
        waiter?.resume()
        return isTaken
    }

    /// Whether `elements` more fit; a maker that hears no is told once there is room again.
    func hasRoom(for elements: Int) -> Bool {
        state.withLockedValue { state in
            if state.elements.count + elements <= capacity { return true }
            state.owesDrained = true
            return false
        }
    }

    /// What was taken is still given out; then everybody gets nil.
    func finish() {
        let waiters = state.withLockedValue { state in
            state.isFinished = true
            state.onDrained = nil
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.continuation.resume() }
    }

    /// The next element, or nil after the last one, or where the waiting task is cancelled.
    func next() async -> Element? {
        let id = state.withLockedValue { state in
            state.waiterID += 1
            return state.waiterID
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { wait($0, id: id) }
        } onCancel: {
            cancel(id)
        }
        return state.withLockedValue { $0.given.removeValue(forKey: id) }
    }

    private func take(
        _ element: Element, into state: inout State
    ) -> (CheckedContinuation<Void, Never>?, hasRoom: Bool) {
        guard !state.isFinished else { return (nil, true) }
        if !state.waiters.isEmpty {
            let waiter = state.waiters.removeFirst()
            state.given[waiter.id] = element
            return (waiter.continuation, true)
        }
        state.elements.append(element)
        if state.elements.count >= capacity { state.owesDrained = true }
        return (nil, state.elements.count < capacity)
    }

    private func wait(_ continuation: CheckedContinuation<Void, Never>, id: UInt64) {
        let isCancelled = Task.isCancelled
        let (isAnswered, drained) = state.withLockedValue { state -> (Bool, (@Sendable () -> Void)?) in
            guard let element = state.elements.popFirst() else {
                guard !state.isFinished, !isCancelled else { return (true, nil) }
                state.waiters.append((id, continuation))
                return (false, nil)
            }
            state.given[id] = element
            guard state.owesDrained, state.elements.count <= capacity / 2 else { return (true, nil) }
            state.owesDrained = false
            return (true, state.onDrained)
        }
        guard isAnswered else { return }
        drained?()
        continuation.resume()
    }

    private func cancel(_ id: UInt64) {
        let waiter = state.withLockedValue { state -> CheckedContinuation<Void, Never>? in
            guard let index = state.waiters.firstIndex(where: { $0.id == id }) else { return nil }
            return state.waiters.remove(at: index).continuation
        }
        waiter?.resume()
    }
}
