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
        await handedOver { handOver in
            run { hub in body(hub) { handOver($0) } }
        }
    }

    /// Posts a message.
    func post(_ draft: MessageDraft) async throws(Refusal) -> PostReceipt {
        try await (ask { hub, done in hub.post(draft, completion: done) } as Result<PostReceipt, Refusal>).get()
    }

    /// Posts a direct message; whether the other one has a session.
    func direct(_ draft: MessageDraft) async throws(Refusal) -> (receipt: PostReceipt, isOnline: Bool) {
        try await
            (ask { hub, done in hub.direct(draft, completion: done) }
            as Result<(receipt: PostReceipt, isOnline: Bool), Refusal>).get()
    }

    /// Reads a span of a room as somebody may see it; nil is nobody in particular.
    func readHistory(
        _ span: HistorySpan, of room: RoomID, as identity: Identity?
    ) async throws(Refusal) -> HistoryPage {
        try await
            (ask { hub, done in hub.readHistory(span, of: room, as: identity, completion: done) }
            as Result<HistoryPage, Refusal>).get()
    }

    /// A page of who is in a room.
    func readOccupants(
        of room: RoomID, as identity: Identity?, _ page: OccupantPage
    ) async throws(Refusal) -> (shown: [Occupant], more: Bool) {
        try await
            (ask { hub, done in hub.readOccupants(of: room, as: identity, page, completion: done) }
            as Result<(shown: [Occupant], more: Bool), Refusal>).get()
    }

    /// Moves a read marker; answers where it stands.
    func mark(_ room: RoomID, at id: MessageID, by identity: Identity) async throws(Refusal) -> ReadMarker {
        try await
            (ask { hub, done in hub.mark(room, at: id, by: identity, completion: done) }
            as Result<ReadMarker, Refusal>).get()
    }

    /// A page of somebody's conversation list.
    func conversations(of identity: Identity, _ page: ConversationPage) async throws(Refusal) -> ConversationList {
        try await
            (ask { hub, done in hub.readConversations(of: identity, page, completion: done) }
            as Result<ConversationList, Refusal>).get()
    }

    /// The latest rooms that are not private.
    func publicRooms(limit: Int) async throws(Refusal) -> [RoomSummary] {
        try await
            (ask { hub, done in hub.roomDirectory.publicRooms(limit: limit, completion: done) }
            as Result<[RoomSummary], Refusal>).get()
    }

    /// One room as somebody may see it.
    func readRoom(_ room: RoomID, as identity: Identity?) async throws(Refusal) -> RoomSummary {
        try await
            (ask { hub, done in hub.readRoom(room, as: identity, completion: done) }
            as Result<RoomSummary, Refusal>).get()
    }

    /// Makes a room.
    func createRoom(_ plan: RoomPlan, by identity: Identity) async throws(Refusal) -> RoomFacts {
        try await
            (ask { hub, done in hub.createRoom(plan, by: identity, completion: done) }
            as Result<RoomFacts, Refusal>).get()
    }

    /// Changes a room, and its topic where one is given.
    func changeRoom(
        _ room: RoomID, _ change: RoomChange, topic: String?, by identity: Identity
    ) async throws(Refusal) {
        try await
            (ask { hub, done in hub.changeRoom(room, change, topic: topic, by: identity, completion: done) }
            as Result<Void, Refusal>).get()
    }

    /// Deletes a room.
    func removeRoom(_ room: RoomID, by identity: Identity) async throws(Refusal) {
        try await (ask { hub, done in hub.removeRoom(room, by: identity, completion: done) } as Result<Void, Refusal>)
            .get()
    }

    /// Sends a probe through the store.
    func probe() async -> ProbeOutcome {
        await ask { hub, done in hub.probe(completion: done) }
    }
}
