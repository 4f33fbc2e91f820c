import HTTPTypes
import Hummingbird
import NIOCore
import RelayCore
import RelayWire

/// `/v1/rooms/ROOM/…`: history, sending, and who is there.
struct RoomRoutes: Sendable {
    let hub: HubHandle
    let textBytesMax: Int

    func add(to router: Router<EdgeContext>) {
        let path: RouterPath = "/v1/rooms/{room}/messages"
        router.get(path, use: readMessages)
        router.post(path, use: postMessage)
        router.get("/v1/rooms/{room}/members", use: readMembers)
        router.refuseOtherMethods(path, allowed: [.get, .head, .post])
        router.refuseOtherMethods("/v1/rooms/{room}/members", allowed: [.get, .head])
    }

    @Sendable private func readMessages(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let room = try Request.room(in: context)
        let identity = try context.reader(request)
        try check(.read, room, for: identity)
        let page = try await hub.readHistory(try request.span(), of: room, as: identity)
        return .json(.ok, ReplyEncoder.encode(page))
    }

    @Sendable private func postMessage(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let room = try Request.room(in: context)
        let identity = try context.identity(request)
        try check(.write, room, for: identity)
        let draft = try self.draft(from: try await request.fields(), in: room, by: identity, request)
        let receipt = try await hub.post(draft)
        guard receipt.isDuplicate else {
            return .json(
                .created, EnvelopeEncoder.envelope(of: Message(id: receipt.id, seq: receipt.seq, draft: draft)))
        }
        return .json(.ok, try await firstEnvelope(of: receipt, draft, as: identity))
    }

    private func draft(
        from fields: FieldReader, in room: RoomID, by identity: Identity, _ request: Request
    ) throws -> MessageDraft {
        var type = MessageType.message
        if let name = try fields.string("type") {
            guard let named = MessageType(rawValue: name), named == .message || named == .action else {
                throw Refusal(.badRequest, "type: neither message nor action.")
            }
            type = named
        }
        var nonce = try fields.nonce("nonce")
        if let key = request.headers[.idempotencyKey] {
            guard let given = Nonce(key) else {
                throw Refusal(
                    .badRequest, "Idempotency-Key: not 1 to \(Limits.nonceBytesMax) printable ASCII bytes.")
            }
            nonce = given
        }
        return MessageDraft(
            room: room, type: type, user: identity.user, name: identity.name,
            text: try fields.text("text", bytesMax: textBytesMax), nonce: nonce, replyTo: try fields.id("reply_to")
        ).said(by: identity)
    }

    /// What the first send with this nonce stored; where the stream no longer holds it, what this one says, under the
    /// first one's id.
    private func firstEnvelope(
        of receipt: PostReceipt, _ draft: MessageDraft, as identity: Identity
    ) async throws -> ByteBuffer {
        let page = try await hub.readHistory(
            .before(receipt.id.next, limit: 1), of: draft.room, as: identity)
        if let first = page.frames.last, first.id == receipt.id { return first.envelope }
        return EnvelopeEncoder.envelope(of: Message(id: receipt.id, seq: receipt.seq, draft: draft))
    }

    @Sendable private func readMembers(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let room = try Request.room(in: context)
        let identity = try context.reader(request)
        try check(.read, room, for: identity)
        let part = try await hub.readOccupants(of: room, as: identity, try request.occupantPage())
        return .json(.ok, ReplyEncoder.encode(.who(room, part.shown, more: part.more), ref: nil))
    }

    /// What the room's id alone says. Nobody in particular sees what is not a direct conversation.
    private func check(_ operation: RoomPolicy.Operation, _ room: RoomID, for identity: Identity?) throws {
        guard let identity else {
            if room.directUsers != nil { throw Refusal.noSuchRoom }
            return
        }
        if let refusal = RoomPolicy.verdict(operation, in: room, by: identity).refusal { throw refusal }
    }
}

extension Response {
    /// A JSON answer.
    static func json(_ status: HTTPResponse.Status, _ body: ByteBuffer) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: body))
    }

    /// A plain-text answer.
    static func text(_ status: HTTPResponse.Status, _ body: String, type: String = "text/plain; charset=utf-8")
        -> Response
    {
        Response(
            status: status, headers: [.contentType: type, .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: body)))
    }
}

extension Router {
    /// Answers 405 with `Allow` for the methods that a path does not have.
    func refuseOtherMethods(_ path: RouterPath, allowed: [HTTPRequest.Method]) {
        let all: [HTTPRequest.Method] = [.get, .post, .put, .patch, .delete]
        for method in all where !allowed.contains(method) {
            on(path, method: method) { _, _ -> Response in
                var problem = Problem(.methodNotAllowed, Refusal(.badRequest, "This path does not take \(method)."))
                problem.headers[.allow] = allowed.map(\.rawValue).joined(separator: ", ")
                throw problem
            }
        }
    }
}

extension HTTPField.Name {
    /// `Idempotency-Key`: the nonce of a send.
    static var idempotencyKey: HTTPField.Name { HTTPField.Name("Idempotency-Key") ?? .ifMatch }
}
