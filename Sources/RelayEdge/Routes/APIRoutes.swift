import HTTPTypes
import Hummingbird
import NIOCore
import RelayCore

/// Everything under `/v1/` that is answered over HTTP, by the table of `APIOperation`.
struct APIRoutes: Sendable {
    private let rooms: RoomRoutes
    private let messages: MessageRoutes
    private let events: EventRoutes
    private let document = OpenAPIDocument.json

    init(hub: HubHandle, shard: @escaping @Sendable (any EventLoop) -> EdgeShard?, textBytesMax: Int) {
        rooms = RoomRoutes(hub: hub)
        messages = MessageRoutes(hub: hub, textBytesMax: textBytesMax)
        events = EventRoutes(hub: hub, shard: shard)
    }

    func add(to router: Router<EdgeContext>) {
        for operation in APIOperation.all {
            guard let answer = answer(to: operation.name) else { continue }
            router.on(RouterPath(operation.path), method: operation.method) { request, context -> Response in
                try await answer(request, context)
            }
        }
        router.head(RouterPath(APIOperation.eventsPath)) { request, context -> Response in
            try await events.head(request, context)
        }
    }

    private typealias Answer = @Sendable (Request, EdgeContext) async throws -> Response

    /// What answers an operation; nil for those of other routes.
    private func answer(to name: APIOperation.Name) -> Answer? {
        switch name {
        case .index, .live, .ready, .metrics, .webSocket: nil
        case .listRooms: { try await rooms.list($0, $1) }
        case .createRoom: { try await rooms.create($0, $1) }
        case .readRoom: { try await rooms.read($0, $1) }
        case .changeRoom: { try await rooms.change($0, $1) }
        case .deleteRoom: { try await rooms.remove($0, $1) }
        case .readMembers: { try await rooms.members($0, $1) }
        case .markRead: { try await rooms.mark($0, $1) }
        case .readMessages: { try await messages.history($0, $1) }
        case .sendMessage: { try await messages.send($0, $1) }
        case .editMessage: { try await messages.edit($0, $1) }
        case .deleteMessage: { try await messages.delete($0, $1) }
        case .sendDirect: { try await messages.direct($0, $1) }
        case .readEvents: { try await events.events($0, $1) }
        case .openAPI:
            { [document] _, _ in
                Response(
                    status: .ok, headers: [.contentType: "application/json", .cacheControl: "max-age=300"],
                    body: ResponseBody(byteBuffer: document))
            }
        }
    }
}
