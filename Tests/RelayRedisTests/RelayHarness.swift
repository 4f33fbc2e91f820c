import Logging
import NIOCore
import NIOPosix
import RedisClient
import RelayCore
import RelayTestKit
import RelayWire
import NIOConcurrencyHelpers
import Testing

@testable import RelayRedis

/// The outcome of a post, as it can leave its event loop.
typealias PostOutcome = Result<PostReceipt, Refusal>

/// The adapters of one edge on an event loop of their own, callable from a test.
final class RelayHarness: Sendable {
    /// What one edge heard, in order.
    struct Heard: Sendable, Equatable {
        let room: RoomID
        let payload: String
    }

    private final class Delegate: MessageBrokerDelegate {
        let frames: @Sendable (Heard) -> Void
        let subscribed: @Sendable (RoomID?) -> Void
        let personal: @Sendable (String) -> Void
        let restored: @Sendable (RoomID) -> Void
        var missed: (MessageDraft, @escaping (Refusal?) -> Void) -> Void = { $1(.noSuchRoom) }
        init(
            frames: @escaping @Sendable (Heard) -> Void, subscribed: @escaping @Sendable (RoomID?) -> Void,
            personal: @escaping @Sendable (String) -> Void, restored: @escaping @Sendable (RoomID) -> Void
        ) {
            self.frames = frames
            self.subscribed = subscribed
            self.personal = personal
            self.restored = restored
        }
        func brokerSubscribed(_ room: RoomID) { subscribed(room) }
        func brokerReceived(_ payload: ByteBuffer, in room: RoomID) {
            frames(Heard(room: room, payload: String(buffer: payload)))
        }
        func brokerSubscribed(user: UserID) { personal("subscribed \(user)") }
        func brokerReceived(_ payload: ByteBuffer, for user: UserID) { personal("\(user): \(String(buffer: payload))") }
        func brokerBatchEnded() {}
        func standing(of room: RoomID) -> RoomStanding? { nil }
        func brokerMissedRoom(for draft: MessageDraft, completion: @escaping (Refusal?) -> Void) {
            missed(draft, completion)
        }
        func brokerRestored(_ room: RoomID) { restored(room) }
        func brokerLost() { subscribed(nil) }
    }

    private struct Held {
        let relay: RedisRelay
        let delegate: Delegate
    }

    let loop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next()
    let log = LogCapture()
    let edge: EdgeID
    private let box: NIOLoopBoundBox<Held?>
    private let frames = NIOLockedValueBox<[Heard]>([])
    private let confirmations = NIOLockedValueBox<[RoomID?]>([])
    private let personalLog = NIOLockedValueBox<[String]>([])
    private let restoredLog = NIOLockedValueBox<[RoomID]>([])
    private let stateLog = NIOLockedValueBox<[RedisRelay.State]>([])

    init(
        _ redis: LocalRedis, edge: String = "edge-a", url: String? = nil,
        _ change: (inout RedisRelayConfiguration) -> Void = { _ in }
    ) async throws {
        self.edge = EdgeID(edge)
        box = .makeEmptyBox(eventLoop: loop)
        var made = RedisRelayConfiguration(
            redis: try RedisConfiguration(url: url ?? redis.url), keys: try #require(KeySpace(prefix: "chat")),
            edge: self.edge, version: "1.2.3")
        made.redis.connectTimeout = .milliseconds(500)
        change(&made)
        let configuration = made
        try await loop.submit { [self] in
            let relay = try RedisRelay(configuration, eventLoop: loop, logger: log.logger())
            let delegate = Delegate(
                frames: { [self] heard in frames.withLockedValue { $0.append(heard) } },
                subscribed: { [self] room in confirmations.withLockedValue { $0.append(room) } },
                personal: { [self] line in personalLog.withLockedValue { $0.append(line) } },
                restored: { [self] room in restoredLog.withLockedValue { $0.append(room) } })
            relay.broker.delegate = delegate
            relay.onStateChange = { [self] state in stateLog.withLockedValue { $0.append(state) } }
            box.value = Held(relay: relay, delegate: delegate)
            relay.start()
        }.get()
    }

    var heard: [Heard] { frames.withLockedValue { $0 } }
    /// What came for users alone, and whose channels were confirmed.
    var personal: [String] { personalLog.withLockedValue { $0 } }
    /// Rooms of which something was put back.
    var restored: [RoomID] { restoredLog.withLockedValue { $0 } }
    var states: [RedisRelay.State] { stateLog.withLockedValue { $0 } }
    /// Confirmed rooms in order; nil is an interruption.
    var confirmed: [RoomID?] { confirmations.withLockedValue { $0 } }

    func onLoop<Value: Sendable>(_ body: @escaping @Sendable (RedisRelay) throws -> Value) async throws -> Value {
        try await loop.submit { [box] in try body(#require(box.value).relay) }.get()
    }

    func ready() async throws {
        try await eventually("the relay is ready") { try await onLoop { $0.state == .ready } }
    }

    func subscribe(_ room: RoomID) async throws {
        let before = confirmed.count { $0 == room }
        try await onLoop { $0.broker.subscribe(room) }
        try await eventually("\(room) is subscribed") { confirmed.count { $0 == room } > before }
    }

    func stop() async throws {
        let isStopped = NIOLockedValueBox(false)
        try await onLoop { $0.stop { isStopped.withLockedValue { $0 = true } } }
        try await eventually("the relay is stopped") { isStopped.withLockedValue { $0 } }
        try await loop.submit { [box] in box.value = nil }.get()
    }

    /// Makes one call with a completion, and waits for what it gives.
    func call<Value: Sendable>(
        _ what: String = "a call has an outcome",
        _ body: @escaping @Sendable (RedisRelay, @escaping @Sendable (Value) -> Void) -> Void
    ) async throws -> Value {
        let outcome = NIOLockedValueBox<Value?>(nil)
        try await onLoop { relay in body(relay) { value in outcome.withLockedValue { $0 = value } } }
        try await eventually(what) { outcome.withLockedValue { $0 } != nil }
        return try #require(outcome.withLockedValue { $0 })
    }
}

// MARK: - The ports, with await

extension RelayHarness {
    /// Posts all in one tick; the outcomes come in the order of the drafts.
    func post(_ drafts: [MessageDraft]) async throws -> [PostOutcome] {
        let outcomes = NIOLockedValueBox<[Int: PostOutcome]>([:])
        try await onLoop { relay in
            for (index, draft) in drafts.enumerated() {
                relay.broker.post(draft) { outcome in outcomes.withLockedValue { $0[index] = outcome } }
            }
        }
        try await eventually("every post has an outcome") { outcomes.withLockedValue { $0.count } == drafts.count }
        return outcomes.withLockedValue { all in drafts.indices.compactMap { all[$0] } }
    }

    func post(_ draft: MessageDraft) async throws -> PostOutcome {
        try #require(try await post([draft]).first)
    }

    /// From now on this is done, on the loop, for rooms that are not there.
    func whenRoomMissed(
        _ body: @escaping @Sendable (RedisRelay, MessageDraft, @escaping (Refusal?) -> Void) -> Void
    ) async throws {
        try await loop.submit { [box] in
            let held = try #require(box.value)
            held.delegate.missed = { [weak relay = held.relay] draft, completion in
                guard let relay else { return completion(.unavailable) }
                body(relay, draft, completion)
            }
        }.get()
    }

    /// Posts until it is stored: on a machine that is busy a room may be restored for longer than a post may wait.
    /// With a nonce, since what came to no answer may be stored.
    func store(_ draft: MessageDraft) async throws -> PostReceipt {
        var draft = draft
        if draft.nonce == nil { draft.nonce = Nonce("store-\(UInt64.random(in: 0 ... .max))") }
        let post = draft
        var receipt: PostReceipt?
        try await eventually("it is stored") {
            receipt = try? await self.post(post).get()
            return receipt != nil
        }
        return try #require(receipt)
    }

    func read(_ span: HistorySpan, _ room: RoomID) async throws -> Result<HistoryPage, Refusal> {
        try await call { relay, done in relay.history.read(span, of: room) { done($0) } }
    }

    func announce(_ changes: [PresenceChange], _ room: RoomID) async throws -> Result<Int, Refusal> {
        try await call { relay, done in relay.directory.announce(changes, in: room) { done($0.map(\.here)) } }
    }

    /// Whether those who are there have still to be told how many they are.
    func owed(_ changes: [PresenceChange], _ room: RoomID) async throws -> Bool {
        let outcome: Result<PresenceTold, Refusal> = try await call { relay, done in
            relay.directory.announce(changes, in: room) { done($0) }
        }
        return try outcome.get().owesSummary
    }

    func who(_ room: RoomID) async throws -> [Occupant] {
        let outcome: Result<[Occupant], Refusal> = try await call { relay, done in
            relay.directory.who(room) { done($0) }
        }
        return try outcome.get()
    }

    func beat() async throws -> Result<EdgeCensus, Refusal> {
        let figures = EdgeFigures(
            address: "127.0.0.1:8080", sessions: 3, rooms: 2, posts: 5, deliveries: 7, lag: 0)
        return try await call { relay, done in relay.directory.beat(figures) { done($0) } }
    }

    /// Makes the room where it is not there, and says whether it did.
    @discardableResult
    func create(_ room: RoomID) async throws -> Bool {
        let founder = try #require(UserID("alice"))
        let made: Result<Bool, Refusal> = try await call { relay, done in
            relay.directory.create(room, by: founder) { done($0) }
        }
        return try made.get()
    }

    func bury(_ edges: [EdgeID], _ room: RoomID) async throws -> Result<Int, Refusal> {
        try await call { relay, done in relay.directory.bury(edges, in: room) { done($0) } }
    }

    func probe() async throws -> ProbeOutcome {
        try await call { relay, done in relay.broker.probe { done($0) } }
    }
}

// MARK: - Words of tests

func room(_ name: String = "general") throws -> RoomID { try #require(RoomID(name)) }

func draft(
    _ text: String, by user: String = "alice", nonce: String? = nil, in room: RoomID? = nil
) throws -> MessageDraft {
    MessageDraft(
        room: try room ?? RelayRedisTests.room(), user: try #require(UserID(user)),
        name: try #require(DisplayName(user.uppercased())), text: text,
        nonce: try nonce.map { try #require(Nonce($0)) })
}

func change(_ user: String, sessions: Int, isGone: Bool = false) throws -> PresenceChange {
    PresenceChange(
        user: try #require(UserID(user)), name: try #require(DisplayName(user.uppercased())), sessions: sessions,
        isGone: isGone)
}

/// A redis-server and edges on it, gone with the test.
func withRelays(
    _ edges: [String] = ["edge-a"], options: LocalRedis.Options = LocalRedis.Options(),
    configured: (inout RedisRelayConfiguration) -> Void = { _ in },
    _ body: (LocalRedis, [RelayHarness]) async throws -> Void
) async throws {
    let redis = try await LocalRedis.start(options)
    var relays: [RelayHarness] = []
    for edge in edges { relays.append(try await RelayHarness(redis, edge: edge, configured)) }
    do {
        for relay in relays { try await relay.ready() }
        try await body(redis, relays)
    } catch {
        for relay in relays { try await relay.stop() }
        await redis.stop()
        throw error
    }
    for relay in relays { try await relay.stop() }
    await redis.stop()
}
