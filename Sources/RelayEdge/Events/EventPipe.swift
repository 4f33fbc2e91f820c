import NIOCore
import RelayCore

/// The way from a session to the task that writes it into an HTTP answer: bytes that wait to be taken.
///
/// Confined to the session's loop. What waits is bounded by the session, which stops being pushed to when the pipe is
/// over its budget; one taker at a time.
final class EventPipe {
    /// Of which room its reader is told.
    let room: RoomID
    private let bytesMax: Int
    private var waiting = ByteBuffer()
    private var taker: ((ByteBuffer?) -> Void)?
    private var opener: ((Result<Void, Refusal>) -> Void)?
    private var isEnded = false

    /// - Parameters:
    ///   - room: of which room its reader is told.
    ///   - bytesMax: with more than this the session is not pushed to.
    init(of room: RoomID, bytesMax: Int) {
        self.room = room
        self.bytesMax = bytesMax
    }

    /// Calls back once, when the session has its place in the room or is refused.
    func whenSettled(_ opener: @escaping (Result<Void, Refusal>) -> Void) {
        self.opener = opener
    }

    /// Whether the session may go on.
    var isWithinBudget: Bool { waiting.readableBytes <= bytesMax }

    /// The session's place in the room is settled; void where it was before.
    func settle(_ outcome: Result<Void, Refusal>) {
        opener.take()?(outcome)
    }

    /// The session writes; whether it may go on.
    func append(_ bytes: ByteBuffer) -> Bool {
        guard !isEnded else { return true }
        waiting.writeImmutableBuffer(bytes)
        hand()
        return isWithinBudget
    }

    /// Takes what waits, as soon as there is anything; nil at the end.
    func take(_ taker: @escaping (ByteBuffer?) -> Void) {
        self.taker = taker
        hand()
    }

    /// Nothing more is written; what waits can still be taken.
    func end() {
        isEnded = true
        settle(.failure(.draining))
        hand()
    }

    private func hand() {
        guard taker != nil, isEnded || waiting.readableBytes > 0 else { return }
        let bytes = waiting
        waiting = ByteBuffer()
        taker.take()?(bytes.readableBytes > 0 ? bytes : nil)
    }
}
