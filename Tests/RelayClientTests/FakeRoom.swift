import NIOConcurrencyHelpers
import NIOCore
import RelayCore
import RelayWire

/// One room as a relay would keep it: for scripts of `FakeRelay`.
final class FakeRoom: Sendable {
    private struct State {
        var messages: [Message] = []
        var sent: [Nonce: PostReceipt] = [:]
        var epoch: UInt64 = 1
    }

    private let state = NIOLockedValueBox(State())

    let id: RoomID

    init(id: RoomID) {
        self.id = id
    }

    var texts: [String] { state.withLockedValue { $0.messages.map(\.draft.text) } }

    /// Stores a message, once for each nonce.
    func post(_ utterance: Utterance, by user: UserID) -> (receipt: PostReceipt, envelope: ByteBuffer?) {
        state.withLockedValue { state in
            if let nonce = utterance.nonce, let old = state.sent[nonce] {
                return (PostReceipt(id: old.id, seq: old.seq, isDuplicate: true), nil)
            }
            let seq = UInt64(state.messages.count + 1)
            let draft = MessageDraft(
                room: id, type: utterance.type, user: user, name: DisplayName(user), text: utterance.text,
                nonce: utterance.nonce)
            let message = Message(id: MessageID(milliseconds: 1000 + seq, sequence: 0), seq: seq, draft: draft)
            state.messages.append(message)
            let receipt = PostReceipt(id: message.id, seq: seq, isDuplicate: false)
            if let nonce = utterance.nonce { state.sent[nonce] = receipt }
            return (receipt, EnvelopeEncoder.envelope(of: message))
        }
    }

    /// What a join is answered with.
    func recovery(from point: JoinPoint) -> Recovery {
        state.withLockedValue { state in
            let lower: MessageID? = if case .since(let id, _) = point { id } else { nil }
            let wanted = state.messages.filter { message in lower.map { $0 < message.id } ?? true }
            let frames = wanted.map {
                StoredFrame(id: $0.id, seq: $0.seq, envelope: EnvelopeEncoder.envelope(of: $0))
            }
            let last = state.messages.last
            return Recovery(
                standing: RoomStanding(epoch: state.epoch, lastSeq: last?.seq ?? 0, lastID: last?.id, oldestSeq: 1),
                frames: frames, isLive: true, cursor: ReadCursor(id: last?.id ?? .zero, seq: last?.seq))
        }
    }

    /// The ordinary answers of a relay: hello, join, send (echoed to the sender), leave, who, ping.
    func answer(_ request: ClientRequest, in conversation: FakeRelay.Conversation, user: UserID) {
        switch request.command {
        case .hello(let claim):
            let identity = Identity(user: claim.user ?? user, name: claim.name ?? DisplayName(user))
            conversation.reply(
                .welcome(
                    Welcome(
                        identity: identity, edge: EdgeID("fake"), session: "\(conversation.number)",
                        pingInterval: .seconds(25), limits: Limits())), to: request)
        case .join(let room, let point):
            conversation.reply(.joined(room, recovery(from: point), here: 1), to: request)
        case .leave(let room): conversation.reply(.left(room), to: request)
        case .send(let utterance):
            let (receipt, envelope) = post(utterance, by: user)
            conversation.reply(.acknowledged(id, receipt, nonce: utterance.nonce), to: request)
            if let envelope { conversation.send(envelope) }
        case .who(let room, _):
            conversation.reply(
                .who(room, [Occupant(user: user, name: "A", since: 1, sessions: 1)]), to: request)
        case .history(let room, _):
            let frames = recovery(from: .since(.zero, epoch: nil)).frames
            conversation.reply(.history(room, HistoryPage(standing: nil, frames: frames, more: false)), to: request)
        case .ping: conversation.reply(.pong(milliseconds: 1), to: request)
        case .direct, .edit, .delete, .typing, .read, .rooms, .create, .page, .kick, .mute, .pardon:
            conversation.reply(.refused(Refusal(.unknownOp, "A fake room knows no such thing.")), to: request)
        }
    }
}
