import NIOCore
import RelayCore

/// The hub as other loops and tasks see it: everything they ask for crosses to its loop.
struct HubHandle: Sendable {
    private let loop: any EventLoop
    private let hub: NIOLoopBound<RoomHub>
    /// What is asked from every loop.
    let guards: EdgeGuards

    /// To be made on the hub's loop.
    init(_ hub: RoomHub) {
        loop = hub.loop
        guards = hub.guards
        self.hub = NIOLoopBound(hub, eventLoop: hub.loop)
    }

    /// Runs on the hub's loop, at once where the caller is there already.
    func run(_ body: @escaping @Sendable (RoomHub) -> Void) {
        if loop.inEventLoop {
            body(hub.value)
        } else {
            loop.execute { body(hub.value) }
        }
    }

    /// Runs on the hub's loop and waits for the result.
    func ask<Value: Sendable>(_ body: @escaping @Sendable (RoomHub, @escaping (Value) -> Void) -> Void) async -> Value {
        await withCheckedContinuation { continuation in
            run { hub in body(hub) { continuation.resume(returning: $0) } }
        }
    }

    /// Posts a message.
    func post(_ draft: MessageDraft) async throws(Refusal) -> PostReceipt {
        try await (ask { hub, done in hub.post(draft, completion: done) } as Result<PostReceipt, Refusal>).get()
    }

    /// Reads a span of a room.
    func readHistory(_ span: HistorySpan, of room: RoomID) async throws(Refusal) -> HistoryPage {
        try await
            (ask { hub, done in hub.readHistory(span, of: room, completion: done) } as Result<HistoryPage, Refusal>)
            .get()
    }

    /// Who is in a room.
    func readOccupants(of room: RoomID) async throws(Refusal) -> [Occupant] {
        try await (ask { hub, done in hub.readOccupants(of: room, completion: done) } as Result<[Occupant], Refusal>)
            .get()
    }

    /// Sends a probe through the store.
    func probe() async -> ProbeOutcome {
        await ask { hub, done in hub.probe(completion: done) }
    }
}
