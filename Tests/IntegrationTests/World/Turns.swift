/// Lets a bounded number of tests with processes of their own run at a time: all at once, they would only measure how
/// slow a machine can be.
struct Turns: Sendable {
    /// For tests that keep the machine busy.
    static let busy = Turns(permits: 3)
    /// For tests that do little but wait: they stand beside the busy ones.
    static let waiting = Turns(permits: 3)

    private let gate: Gate

    private init(permits: Int) { gate = Gate(permits: permits) }

    /// Runs the body when its turn has come. Whoever has a turn must not ask for another one.
    func take<Value>(
        isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Value
    ) async rethrows -> Value {
        await gate.enter()
        do {
            let value = try await body()
            await gate.leave()
            return value
        } catch {
            await gate.leave()
            throw error
        }
    }
}

private actor Gate {
    private var permits: Int
    private var queue: [CheckedContinuation<Void, Never>] = []

    init(permits: Int) { self.permits = permits }

    func enter() async {
        if permits > 0 {
            permits -= 1
        } else {
            await withCheckedContinuation { queue.append($0) }
        }
    }

    func leave() {
        if queue.isEmpty {
            permits += 1
        } else {
            queue.removeFirst().resume()
        }
    }
}
