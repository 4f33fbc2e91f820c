import RelayCore
import RelayTestKit
import RelayWire
import Testing

@testable import RelayRedis

/// The ports of rooms, with await.
extension RelayHarness {
    func make(_ plan: RoomPlan, by user: String = "alice") async throws -> Result<RoomFacts, Refusal> {
        let user = try #require(UserID(user))
        return try await call { relay, done in relay.rooms.create(plan, by: user) { done($0) } }
    }

    func change(
        _ change: RoomChange, of room: RoomID, by user: String, isAdmin: Bool = false
    ) async throws -> Refusal? {
        let identity = try identity(user, isAdmin: isAdmin)
        return try await call { relay, done in
            relay.rooms.change(room, change, by: identity) { done($0.refusal) }
        }
    }

    func remove(_ room: RoomID, by user: String, isAdmin: Bool = false) async throws -> Refusal? {
        let identity = try identity(user, isAdmin: isAdmin)
        return try await call { relay, done in relay.rooms.remove(room, by: identity) { done($0.refusal) } }
    }

    func conversations(of user: String, _ page: ConversationPage = .first) async throws -> ConversationList {
        let user = try #require(UserID(user))
        let outcome: Result<ConversationList, Refusal> = try await call { relay, done in
            relay.rooms.conversations(of: user, page) { done($0) }
        }
        return try outcome.get()
    }

    func publicRooms() async throws -> [RoomSummary] {
        let outcome: Result<[RoomSummary], Refusal> = try await call { relay, done in
            relay.rooms.publicRooms(limit: 100) { done($0) }
        }
        return try outcome.get()
    }

    func mark(_ room: RoomID, at marker: ReadMarker, by user: String) async throws -> ReadMarker {
        let user = try #require(UserID(user))
        let outcome: Result<ReadMarker, Refusal> = try await call { relay, done in
            relay.markers.mark(room, at: marker, by: user) { done($0) }
        }
        return try outcome.get()
    }

    func identity(_ user: String, isAdmin: Bool = false) throws -> Identity {
        let user = try #require(UserID(user))
        return Identity(
            user: user, name: DisplayName(user), permissions: Permissions(isAdmin: isAdmin, rooms: nil, read: nil))
    }
}

extension Result where Failure == Refusal {
    /// Why it was refused; nil where it was not.
    var refusal: Refusal? {
        if case .failure(let refusal) = self { refusal } else { nil }
    }
}

/// A draft that is about another message.
func amendment(
    _ type: MessageType, of target: MessageID, by user: String, text: String = "", isAdmin: Bool = false
) throws -> MessageDraft {
    let user = try #require(UserID(user))
    var draft = MessageDraft(
        room: try room(), type: type, user: user, name: DisplayName(user), text: text, target: target)
    draft.isPrivileged = isAdmin
    return draft
}
