import RelayClient
import RelayCore
import RelayTestKit
import RelayWire

/// A session in the room `general` that is read only when it is asked to, and what it was given so far.
struct SlowReader {
    /// Word that Redis lost writes.
    struct Rewind: Equatable {
        /// The number of the message that came right before it.
        let after: UInt64
        let from: UInt64
        let to: UInt64
    }

    private let connection: RelayConnection
    /// The numbers of the messages, in the order in which they came.
    private(set) var numbers: [UInt64] = []
    private(set) var rewinds: [Rewind] = []
    /// Numbers that were said to be gone.
    private(set) var lost: [ClosedRange<UInt64>] = []

    private init(_ connection: RelayConnection) {
        self.connection = connection
    }

    /// Joins without history and returns when `asker`, at the same edge, sees it there.
    static func join(_ edge: EdgeProcess, seenBy asker: Talker) async throws -> SlowReader {
        guard let url = RelayURL("ws://\(edge.authority)/v1/ws?user=slow") else {
            throw NeverHappened(description: "a URL of \(edge.authority)")
        }
        var configuration = RelayConnectionConfiguration(url: url)
        configuration.eventsMax = 8
        let connection = try await RelayConnection.open(configuration)
        try await connection.send(#"{"op":"join","room":"general","history":0}"#)
        try await eventually("the slow one is there") {
            guard case .who(_, let people, _) = try await asker.ask("who", #""room":"general""#) else { return false }
            return people.contains { $0.user.description == "slow" }
        }
        return SlowReader(connection)
    }

    /// Reads until that number has come.
    mutating func read(upTo last: UInt64) async throws {
        while (numbers.last ?? 0) < last {
            guard case .text(let text)? = await connection.next(within: .seconds(60)) else {
                throw NeverHappened(description: "\(last) after \(numbers.last ?? 0)")
            }
            switch try ServerFrameDecoder.decode(text) {
            case .message(let received): numbers.append(received.message.seq)
            case .event(let event) where event.event.kind == .rewound:
                rewinds.append(
                    Rewind(
                        after: numbers.last ?? 0, from: event.figure("from_seq") ?? .max,
                        to: event.figure("to_seq") ?? .max))
            case .event(let event) where event.event.kind == .lagged:
                guard let from = event.figure("from_seq"), let to = event.figure("to_seq"), from <= to else {
                    throw NeverHappened(description: "the numbers of \(event)")
                }
                lost.append(from...to)
            case .event, .answer, .notice: break
            }
        }
    }
}

extension Talker {
    /// Says one thing in the room `general` until it is acknowledged.
    @discardableResult
    func insist(_ text: String) async throws -> Acknowledgement {
        var receipt: Acknowledgement?
        try await eventually("\(text) is acknowledged", within: .seconds(40)) {
            let fields = #""room":"general","text":"\#(text)","nonce":"\#(text)""#
            guard case .acknowledged(let given) = try await ask("send", fields) else { return false }
            receipt = given
            return true
        }
        guard let receipt else { throw NeverHappened(description: "an acknowledgement") }
        return receipt
    }

    /// The numbers of the messages that have come.
    var numbers: [UInt64] { look { $0.messages.map(\.message.seq) } }

    /// How often it was told that Redis lost writes.
    var rewindCount: Int { look { $0.events.count { $0.event.kind == .rewound && $0.event.moved.isEmpty } } }
}
