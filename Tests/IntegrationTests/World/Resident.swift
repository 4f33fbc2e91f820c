import NIOCore
import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import NIOConcurrencyHelpers

/// A person who stays in a room whatever happens: comes back after each loss of the connection, and says each thing
/// until it is acknowledged.
final class Resident: Sendable {
    /// What one has heard and said.
    struct Memory {
        var copies: [RoomEvidence.Copy] = []
        var receipts: [RoomEvidence.Receipt] = []
        var gaps: [ClientGap] = []
        var rewinds = 0
        /// How often the relay has welcomed this one.
        var welcomes = 0
        /// Close codes of connections that are over.
        var closings: [UInt16] = []
        var end: ClientEnd?

        mutating func take(_ event: RelayClientEvent) {
            switch event {
            case .message(let received): copies.append(RoomEvidence.Copy(received))
            case .gap(let gap): gaps.append(gap)
            case .rewound: rewinds += 1
            case .status(.connected): welcomes += 1
            case .status(.reconnecting(in: _, after: .closed(let closing))):
                if let code = closing.code { closings.append(code) }
            case .status(.closed(let end)): self.end = end
            case .direct, .event, .notice, .status, .dropped: break
            }
        }
    }

    private final class Notebook: Sendable {
        let memory = NIOLockedValueBox(Memory())
    }

    let name: String
    private let room: RoomID
    private let client: RelayClient
    private let notebook: Notebook
    private let life: Task<Void, Never>
    private let ear: Task<Void, Never>

    private init(name: String, room: RoomID, url: RelayURL) {
        var configuration = RelayClientConfiguration(url: url, user: UserID(name))
        configuration.backoff = ReconnectBackoff(spanMin: .milliseconds(20), spanMax: .milliseconds(400))
        let client = RelayClient(configuration)
        let notebook = Notebook()
        self.name = name
        self.room = room
        self.client = client
        self.notebook = notebook
        life = Task { await client.run() }
        ear = Task {
            for await event in client.events { notebook.memory.withLockedValue { $0.take(event) } }
        }
    }

    /// Connects to a port of 127.0.0.1 and joins the room.
    static func arrive(_ name: String, in room: RoomID, port: Int) async throws -> Resident {
        guard let url = RelayURL("ws://127.0.0.1:\(port)") else { throw NeverHappened(description: "a URL") }
        let resident = Resident(name: name, room: room, url: url)
        try await resident.client.join(room)
        return resident
    }

    /// All so far.
    func look<Value: Sendable>(_ read: (borrowing Memory) -> Value) -> Value {
        notebook.memory.withLockedValue { read($0) }
    }

    /// Says one thing and returns when it is acknowledged.
    func say(_ text: String) async throws {
        let receipt = try await client.send(room, text)
        notebook.memory.withLockedValue {
            $0.receipts.append(.init(sender: name, text: text, id: receipt.id, seq: receipt.seq))
        }
    }

    /// Says one thing after the other for as long as it is to go on.
    func talk(while goesOn: () -> Bool) async throws {
        var number = 0
        while goesOn() {
            number += 1
            try await say("\(name) says \(number)")
        }
    }

    /// Goes away for good.
    func leave() async {
        await client.close()
        await life.value
        await ear.value
    }

    /// What the oracle wants to know.
    var testimony: RoomEvidence.Session { RoomEvidence.Session(name: name, copies: look { $0.copies }) }
}

extension RoomEvidence.Copy {
    init(_ received: ReceivedMessage) {
        self.init(
            id: received.message.id, seq: received.message.seq, text: received.message.draft.text,
            envelope: received.envelope)
    }
}
