/// Acknowledgements that wait for Redis's word on how many replicas have them too (`--ack-replicas`).
///
/// There is one `WAIT` at a time, behind the calls whose receipts it is about: it holds up the connection of the posts
/// while it lasts, and further ones would add up. What is answered meanwhile is the matter of the next.
struct ReplicaGate<Waiter> {
    private let waitingMax: Int
    private var waiting: [Waiter] = []
    private var underWay: [Waiter] = []
    private var isAsking = false

    /// - `waitingMax`: acknowledgements that wait; a further one goes out at once, with none reached.
    init(waitingMax: Int) {
        self.waitingMax = waitingMax
    }

    /// What to do with an acknowledgement.
    enum Action {
        /// It waits for the `WAIT` under way to end.
        case none
        /// Ask now.
        case ask
        /// There is no room for it to wait.
        case release(Waiter)
    }

    /// A receipt came.
    mutating func acknowledged(_ waiter: Waiter) -> Action {
        guard waiting.count < waitingMax else { return .release(waiter) }
        waiting.append(waiter)
        guard !isAsking else { return .none }
        isAsking = true
        return .ask
    }

    /// The `WAIT` is about to leave: it is about all that wait by now.
    mutating func asked() {
        underWay = waiting
        waiting = []
    }

    /// It has an answer, or none: these are to go out, and whether to ask again.
    mutating func answered() -> (released: [Waiter], asksAgain: Bool) {
        defer { underWay = [] }
        isAsking = !waiting.isEmpty
        return (underWay, isAsking)
    }
}
