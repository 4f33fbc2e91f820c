import HTTPTypes
import Hummingbird
import NIOCore
import RelayCore
import RelayWire

/// What is said: history, sending, editing, deleting, and direct messages.
struct MessageRoutes: Sendable {
    let hub: HubHandle
    let textBytesMax: Int

    func history(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let room = try Request.room(in: context)
        let reader = try context.reader(request)
        try RoomPolicy.check(.read, room, for: reader)
        let page = try await hub.readHistory(try request.span(), of: room, as: reader)
        return .json(.ok, ReplyEncoder.encode(page))
    }

    func send(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let room = try Request.room(in: context)
        let identity = try context.identity(request)
        try RoomPolicy.check(.write, room, for: identity)
        let fields = try await request.fields()
        var type = MessageType.message
        if let name = try fields.string("type") {
            guard let named = MessageType(rawValue: name), named == .message || named == .action else {
                throw Refusal(.badRequest, "type: neither message nor action.")
            }
            type = named
        }
        let draft = MessageDraft(
            room: room, type: type, user: identity.user, name: identity.name,
            text: try fields.text("text", bytesMax: textBytesMax), nonce: try request.nonce(orIn: fields),
            replyTo: try fields.id("reply_to")
        ).said(by: identity)
        return try await answer(to: draft, try await hub.post(draft), by: identity, fresh: .created)
    }

    func edit(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let (room, target, identity) = try target(of: request, context)
        let fields = try await request.fields()
        let draft = MessageDraft(
            room: room, type: .edit, user: identity.user, name: identity.name,
            text: try fields.text("text", bytesMax: textBytesMax), nonce: try request.nonce(orIn: fields),
            target: target
        ).said(by: identity)
        return try await answer(to: draft, try await hub.post(draft), by: identity, fresh: .ok)
    }

    func delete(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let (room, target, identity) = try target(of: request, context)
        let draft = MessageDraft(
            room: room, type: .delete, user: identity.user, name: identity.name, text: "",
            nonce: try request.idempotencyKey(), target: target
        ).said(by: identity)
        return try await answer(to: draft, try await hub.post(draft), by: identity, fresh: .ok)
    }

    func direct(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let identity = try context.identity(request)
        let other = try Request.user(in: context)
        guard other != identity.user else { throw Refusal(.badRequest, "Cannot message yourself") }
        let room = RoomID.direct(identity.user, other)
        try RoomPolicy.check(.write, room, for: identity)
        let fields = try await request.fields()
        let draft = MessageDraft(
            room: room, type: .direct, user: identity.user, name: identity.name,
            text: try fields.text("text", bytesMax: textBytesMax), nonce: try request.nonce(orIn: fields), to: other
        ).said(by: identity)
        let (receipt, isOnline) = try await hub.direct(draft)
        var response = try await answer(to: draft, receipt, by: identity, fresh: .created)
        response.headers[.martletOnline] = isOnline ? "true" : "false"
        return response
    }

    private func target(of request: Request, _ context: EdgeContext) throws -> (RoomID, MessageID, Identity) {
        let (room, target) = (try Request.room(in: context), try Request.message(in: context))
        let identity = try context.identity(request)
        try RoomPolicy.check(.write, room, for: identity)
        return (room, target, identity)
    }

    /// The envelope of what was said; of a repeat that of the first one, and 200.
    private func answer(
        to draft: MessageDraft, _ receipt: PostReceipt, by identity: Identity, fresh: HTTPResponse.Status
    ) async throws -> Response {
        guard receipt.isDuplicate else {
            return .json(fresh, EnvelopeEncoder.envelope(of: Message(id: receipt.id, seq: receipt.seq, draft: draft)))
        }
        return .json(.ok, try await firstEnvelope(of: receipt, draft, by: identity))
    }

    /// What the first send with this nonce stored; where the stream no longer holds it, what this one says, under the
    /// first one's id.
    private func firstEnvelope(
        of receipt: PostReceipt, _ draft: MessageDraft, by identity: Identity
    ) async throws -> ByteBuffer {
        let page = try? await hub.readHistory(.before(receipt.id.next, limit: 1), of: draft.room, as: identity)
        if let first = page?.frames.last, first.id == receipt.id { return first.envelope }
        return EnvelopeEncoder.envelope(of: Message(id: receipt.id, seq: receipt.seq, draft: draft))
    }
}

extension HTTPField.Name {
    /// Whether the one who was written to has a session.
    static var martletOnline: HTTPField.Name { HTTPField.Name("Martlet-Online") ?? .via }
}
