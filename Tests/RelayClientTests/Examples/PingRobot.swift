import RelayClient
import RelayCore
import RelayWire

/// Answers every "ping" in a room once, also those of the time when it did not run.
struct PingRobot {
    let client: RelayClient
    let room: RoomID

    /// - Parameters:
    ///   - place: the last message of an earlier run; nil for a first one.
    ///   - remember: writes down the place for the next run.
    func run(from place: MessageID?, remember: (MessageID) -> Void) async throws -> ClientEnd {
        // The client's life: it connects, and comes back whenever the connection is lost.
        async let life = client.run()
        try await client.join(room, from: place.map { .since($0, epoch: nil) } ?? .history(limit: 0))
        for await event in client.events {
            switch event {
            case .message(let received):
                let message = received.message
                if message.draft.text == "ping" {
                    // A nonce made of what is answered: one answer, even if this ran twice or was cut off here.
                    try await client.send(room, "pong, \(message.draft.user)", nonce: Nonce("pong-\(message.id)"))
                }
                remember(message.id)
            case .status(.reconnecting(let span, _)): print("no connection; next try in \(span)")
            case .gap(let gap): print("missed messages: \(gap.reason)")
            default: break
            }
        }
        return await life
    }
}
