import HTTPTypes
import Hummingbird
import NIOCore
import RelayCore

/// `/v1/rooms/ROOM/events`: what is said in a room, as it is said, to whoever reads over HTTP.
struct EventRoutes: Sendable {
    let hub: HubHandle
    /// The shard of a loop; to be called on it.
    let shard: @Sendable (any EventLoop) -> EdgeShard?

    /// Answers when the reader has a place in the room, so that one who may not be there is told so by the status.
    func events(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let room = try Request.room(in: context)
        let identity = try context.reader(request)
        try RoomPolicy.check(.read, room, for: identity)
        let point = try request.joinPoint()
        let wait = try request.count("wait", max: Limits.eventsWaitMax)
        // Who says no name makes no room by looking at it.
        if identity == nil { _ = try await hub.readRoom(room, as: nil) }
        let reader = try await EventReader.open(
            room, from: point, as: try identity ?? Self.stranger(), isSeen: identity != nil,
            grant: context.grant, on: context.loop, shard: shard)
        if let wait { reader.end(after: .seconds(wait)) }
        let body = ResponseBody { writer in
            defer { reader.close() }
            try await request.body.consumeWithInboundCloseHandler { _ in
                try await reader.write(to: &writer)
            } onInboundClosed: {
                reader.close()
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: Self.headers, body: body)
    }

    /// What a request for the events would be answered with, without them.
    func head(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let room = try Request.room(in: context)
        let identity = try context.reader(request)
        try RoomPolicy.check(.read, room, for: identity)
        _ = try request.joinPoint()
        _ = try request.count("wait", max: Limits.eventsWaitMax)
        _ = try await hub.readRoom(room, as: identity)
        return Response(status: .ok, headers: Self.headers)
    }

    /// Proxies are not to keep what is live, nor to wait for more of it. What follows on the connection after the last
    /// event is not read.
    private static let headers: HTTPFields = [
        .contentType: "text/event-stream", .cacheControl: "no-store", .accelBuffering: "no", .connection: "close",
    ]

    /// Somebody whom nobody knows, so a member of nothing.
    private static func stranger() throws -> Identity {
        let mark = String(UInt64.random(in: .min ... .max), radix: 36)
        guard let user = UserID("nobody-\(mark)") else { throw Refusal.unavailable }
        return Identity(user: user, name: DisplayName(user))
    }
}

extension HTTPField.Name {
    /// Tells nginx to pass on at once what comes.
    static var accelBuffering: HTTPField.Name { HTTPField.Name("X-Accel-Buffering") ?? .via }
}
