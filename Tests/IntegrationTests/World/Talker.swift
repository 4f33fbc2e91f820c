import NIOCore
import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import NIOConcurrencyHelpers

/// One WebSocket to an edge, and all that it has heard.
final class Talker: Sendable {
    struct Heard {
        var messages: [ReceivedMessage] = []
        var events: [ReceivedEvent] = []
        /// What operators said to everybody.
        var notices: [String] = []
        /// Answers without a `ref`.
        var unmarked: [ServerAnswer] = []
        var answers: [Reference: ServerAnswer] = [:]
        /// Frames that could not be read.
        var strange: [String] = []
        /// The bytes of every text frame, in order.
        var frames: [ByteBuffer] = []
        var closing: Closing?
        var closedAt: ContinuousClock.Instant?

        mutating func take(_ event: ConnectionEvent) {
            switch event {
            case .text(let text):
                frames.append(text)
                switch Result(catching: { () throws(ServerFrameError) in try ServerFrameDecoder.decode(text) }) {
                case .success(.message(let message)): messages.append(message)
                case .success(.event(let event)): events.append(event)
                case .success(.notice(let text, edge: _)): notices.append(text)
                case .success(.answer(let answer, ref: let ref?)): answers[ref] = answer
                case .success(.answer(let answer, ref: nil)): unmarked.append(answer)
                case .failure(let error): strange.append("\(error): \(String(buffer: text))")
                }
            case .pong: break
            case .closed(let closing):
                self.closing = closing
                closedAt = ContinuousClock.now
            }
        }
    }

    /// The lock and what it guards, shared with the connection's callback.
    private final class Ear: Sendable {
        let heard = NIOLockedValueBox(Heard())
    }

    let connection: RelayConnection
    private let ear: Ear
    private let lastRef = NIOLockedValueBox<Int64>(0)

    private init(connection: RelayConnection, ear: Ear) {
        self.connection = connection
        self.ear = ear
    }

    /// Opens a connection; with a user it needs no hello.
    static func connect(
        _ edge: EdgeProcess, as user: String?, configure: (inout RelayConnectionConfiguration) -> Void = { _ in }
    ) async throws -> Talker {
        let query = user.map { "?user=\($0)" } ?? ""
        guard let url = RelayURL("ws://\(edge.authority)/v1/ws\(query)") else {
            throw NeverHappened(description: "a URL of \(edge.authority)")
        }
        var configuration = RelayConnectionConfiguration(url: url)
        configure(&configuration)
        let ear = Ear()
        let connection = try await RelayConnection.open(configuration) { event in
            ear.heard.withLockedValue { $0.take(event) }
        }
        return Talker(connection: connection, ear: ear)
    }

    /// Everything so far.
    var heard: Heard { ear.heard.withLockedValue { $0 } }

    /// A part of it, without a copy of the rest.
    func look<Value: Sendable>(_ read: (borrowing Heard) -> Value) -> Value { ear.heard.withLockedValue { read($0) } }

    var messages: [ReceivedMessage] { look { $0.messages } }
    var texts: [String] { look { $0.messages.map(\.message.draft.text) } }
    var closing: Closing? { look { $0.closing } }

    // MARK: Ops

    /// Sends an op without waiting, and returns its mark.
    func begin(_ op: String, _ fields: String = "") async throws -> Reference {
        let number = lastRef.withLockedValue { last in
            last += 1
            return last
        }
        try await connection.send(#"{"op":"\#(op)","ref":\#(number)\#(fields.isEmpty ? "" : ",")\#(fields)}"#)
        return .integer(number)
    }

    /// The answer to an op that was begun.
    func answer(to ref: Reference, within limit: Duration = .seconds(60)) async throws -> ServerAnswer {
        var answer: ServerAnswer?
        _ = await condition(within: limit) {
            answer = look { $0.answers[ref] }
            return answer != nil || closing != nil
        }
        guard let answer else {
            let (strange, unmarked, closing) = look { ($0.strange, $0.unmarked, $0.closing) }
            throw NeverHappened(
                description: "op \(ref) was never answered; unreadable: \(strange), without a mark: \(unmarked), "
                    + "closing: \(closing as Any)")
        }
        return answer
    }

    /// Sends an op and waits for its answer.
    @discardableResult
    func ask(_ op: String, _ fields: String = "") async throws -> ServerAnswer {
        try await answer(to: try await begin(op, fields))
    }

    /// Joins a room.
    @discardableResult
    func join(_ room: String, _ fields: String = "") async throws -> JoinAnswer {
        let answer = try await ask("join", #""room":"\#(room)"\#(fields.isEmpty ? "" : ",")\#(fields)"#)
        guard case .joined(let joined) = answer else { throw NeverHappened(description: "a join: \(answer)") }
        return joined
    }

    /// Says something that needs no escapes and waits for the acknowledgement.
    @discardableResult
    func say(_ text: String, in room: String, nonce: String? = nil) async throws -> Acknowledgement {
        let mark = nonce.map { #","nonce":"\#($0)""# } ?? ""
        let answer = try await ask("send", #""room":"\#(room)","text":"\#(text)"\#(mark)"#)
        guard case .acknowledged(let receipt) = answer else { throw NeverHappened(description: "an ack: \(answer)") }
        return receipt
    }

    /// Sends an op and returns the code with which it is refused; nil where it is not.
    func refusal(_ op: String, _ fields: String = "") async throws -> Refusal? {
        guard case .refused(let refusal) = try await ask(op, fields) else { return nil }
        return refusal
    }

    /// Sends something without a mark and returns the answer without one.
    func refusal(toRaw text: ByteBuffer) async throws -> Refusal? {
        let before = look { $0.unmarked.count }
        try await connection.send(text)
        try await eventually("\(String(buffer: text).prefix(60)) is answered") { look { $0.unmarked.count } > before }
        guard case .refused(let refusal)? = look({ $0.unmarked[before] }) else { return nil }
        return refusal
    }

    // MARK: Waiting

    /// Waits until so many messages have come.
    func hear(_ count: Int, within limit: Duration = .seconds(60)) async throws {
        let happened = await condition(within: limit) { look { $0.messages.count } >= count }
        guard happened else {
            throw NeverHappened(description: "\(count) messages; \(look { $0.messages.count }) came")
        }
    }

    /// Waits until the connection is closed, and tells how.
    func ending(within limit: Duration = .seconds(60)) async throws -> Closing {
        try await eventually("the connection is closed", within: limit) { closing != nil }
        guard let closing else { throw NeverHappened(description: "a closing") }
        return closing
    }

    /// Whether an event of that kind about that user has come.
    func hasHeard(_ kind: LiveEvent.Kind, of user: String) -> Bool { count(kind, of: user) > 0 }

    /// How many events of that kind about that user have come.
    func count(_ kind: LiveEvent.Kind, of user: String) -> Int {
        look { $0.events.count { $0.event.kind == kind && $0.event.user?.description == user } }
    }
}
