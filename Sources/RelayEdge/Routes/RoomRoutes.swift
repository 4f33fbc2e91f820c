import HTTPTypes
import Hummingbird
import NIOCore
import RelayCore
import RelayWire

/// `/v1/rooms` and `/v1/rooms/ROOM`: the conversation list, making, changing and deleting rooms, who is there, and the
/// read marker.
struct RoomRoutes: Sendable {
    let hub: HubHandle

    func list(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let scope = QueryItems(request.uri.query ?? "")["scope"] ?? "mine"
        switch scope {
        case "mine":
            let list = try await hub.conversations(
                of: try context.identity(request), try request.conversationPage())
            return .json(.ok, .jsonObject { RoomEncoder.write(list, to: &$0) })
        case "public":
            let reader = try context.reader(request)
            let limit = try request.conversationPage().limit
            let rooms = try await hub.publicRooms(limit: Limits.lobbyLookMax).filter { room in
                reader.map { RoomPolicy.verdict(.read, in: room.room, by: $0) == .allowed } ?? true
            }.prefix(limit)
            return .json(
                .ok,
                .jsonObject { object in
                    object.array("rooms") { array in
                        for room in rooms { array.object { RoomEncoder.write(room, to: &$0) } }
                    }
                })
        default: throw Refusal(.badRequest, "scope: neither mine nor public.")
        }
    }

    func create(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let identity = try context.identity(request)
        let plan = try await request.fields().plan()
        let facts = try await hub.createRoom(plan, by: identity)
        var response = Response.json(.created, .jsonObject { RoomEncoder.write(facts, of: plan.room, to: &$0) })
        response.headers[.location] = "/v1/rooms/\(plan.room)"
        return response
    }

    func read(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let room = try Request.room(in: context)
        let reader = try context.reader(request)
        try RoomPolicy.check(.read, room, for: reader)
        return try await answer(room, as: reader)
    }

    func change(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let room = try Request.room(in: context)
        let identity = try context.identity(request)
        try RoomPolicy.check(.manage, room, for: identity)
        let fields = try await request.fields()
        var change = RoomChange(
            name: try fields.name("name"), isPrivate: try fields.bool("private"), added: try fields.users("add") ?? [],
            removed: try fields.users("remove") ?? [])
        let topic = try fields.topic()
        if let members = try fields.users("members") {
            guard change.added.isEmpty, change.removed.isEmpty else {
                throw Refusal(.badRequest, "members: stands for add and remove.")
            }
            let present = try await hub.readRoom(room, as: identity).facts
            change.added = members.filter { !present.members.contains($0) }
            change.removed = present.members.filter { !members.contains($0) && $0 != present.createdBy }
        }
        try await hub.changeRoom(room, change, topic: topic, by: identity)
        return try await answer(room, as: identity)
    }

    func remove(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let room = try Request.room(in: context)
        let identity = try context.identity(request)
        try RoomPolicy.check(.manage, room, for: identity)
        try await hub.removeRoom(room, by: identity)
        return Response(status: .noContent, headers: [.cacheControl: "no-store"])
    }

    func members(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let room = try Request.room(in: context)
        let reader = try context.reader(request)
        try RoomPolicy.check(.read, room, for: reader)
        let part = try await hub.readOccupants(of: room, as: reader, try request.occupantPage())
        return .json(.ok, ReplyEncoder.encode(.who(room, part.shown, more: part.more), ref: nil))
    }

    func mark(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let room = try Request.room(in: context)
        let identity = try context.identity(request)
        try RoomPolicy.check(.read, room, for: identity)
        let fields = try await request.fields()
        let id = try fields.required("id", fields.id("id"))
        let marker = try await hub.mark(room, at: id, by: identity)
        return .json(.ok, ReplyEncoder.encode(.marked(room, marker), ref: nil))
    }

    private func answer(_ room: RoomID, as reader: Identity?) async throws -> Response {
        let summary = try await hub.readRoom(room, as: reader)
        return .json(.ok, .jsonObject { RoomEncoder.write(whole: summary, to: &$0) })
    }
}

extension RoomPolicy {
    /// Refuses what the room's id alone forbids. Nobody in particular reads what is not a direct conversation.
    static func check(_ operation: Operation, _ room: RoomID, for identity: Identity?) throws {
        guard let identity else {
            if room.directUsers != nil { throw Refusal.noSuchRoom }
            return
        }
        if let refusal = verdict(operation, in: room, by: identity).refusal { throw refusal }
    }
}

extension ByteBuffer {
    /// A buffer with one JSON object.
    static func jsonObject(_ body: (inout JSONObjectWriter) -> Void) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: 256)
        buffer.writeJSONObject(body)
        return buffer
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
