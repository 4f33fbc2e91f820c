internal import NIOCore
internal import RedisClient
internal import RedisProtocol
public import RelayCore
internal import RelayWire

/// The conversation lists of one Redis node.
///
/// Confined to the event loop of its `RedisRelay`. Commands that it needs: `EVALSHA`, `SCRIPT LOAD`, `HDEL`, and in the
/// script `HLEN`, `HGET`, `HSET`, `PUBLISH`.
public final class RedisReadMarkers: ReadMarkers {
    private let keys: KeySpace
    private let edge: EdgeID
    private let posts: RedisCommander
    private let faults: StoreFaults
    private var ledger = MarkerLedger()

    init(keys: KeySpace, edge: EdgeID, posts: RedisCommander, faults: StoreFaults) {
        self.keys = keys
        self.edge = edge
        self.posts = posts
        self.faults = faults
    }

    /// Takes the room into the user's list, with the next markers that are told.
    public func entered(_ room: RoomID, by user: UserID) {
        perform(ledger.entered(room, by: user, now: RedisClock.now))
    }

    /// Moves the user's marker, with the next ones that are told.
    public func said(_ receipt: PostReceipt, in room: RoomID, by user: UserID) {
        let marker = ReadMarker(id: receipt.id, seq: receipt.seq)
        perform(ledger.moved(to: marker, in: room, by: user, now: RedisClock.now))
    }

    /// Moves the marker now, and publishes the event on the user's channel where it moved.
    public func mark(
        _ room: RoomID, at marker: ReadMarker, by user: UserID,
        completion: @escaping (Result<ReadMarker, Refusal>) -> Void
    ) {
        let arguments = MarkerCall.arguments(
            [(key: room, value: marker)], channelName: keys.channelName(of: user),
            event: EventCoder.encode(.read(marker, in: room, by: user), edge: edge))
        posts.evaluate(Scripts.markers, keys: [keys.rooms(of: user)], arguments: arguments) { [faults] outcome in
            switch outcome {
            case .failure(let error): completion(.failure(faults.refusal(for: error, doing: "moving a marker")))
            case .success(let value):
                guard let word = value.array?.first?.string else {
                    return completion(.failure(faults.unreadableReply(doing: "moving a marker")))
                }
                guard let now = MarkerCall.marker(word) else {
                    return completion(
                        .failure(Refusal(.full, "A list may hold \(Limits.conversationsMax) rooms.")))
                }
                completion(.success(now))
            }
        }
    }

    /// Forgets which rooms are in lists: each is told once more.
    public func lossSuspected() {
        ledger.listsLost()
    }

    /// Puts a room into a user's list ahead of all that is sent from here on; without a connection nothing is sent, and
    /// nothing waits.
    func list(_ room: RoomID, for user: UserID) {
        guard posts.isReady, !ledger.isListed(room, for: user) else { return }
        perform(ledger.entered(room, by: user, now: RedisClock.now))
        tell(user)
    }

    /// Takes rooms that are no more out of a user's list.
    func forget(_ rooms: [RoomID], of user: UserID) {
        ledger.unlisted(rooms, of: user)
        var command = RedisCommand("HDEL", keys.rooms(of: user))
        command.append(contentsOf: rooms.lazy.map(\.description))
        posts.send(command) { _ in }
    }

    /// Tells a portion of what waits: one call a user.
    func tell() {
        guard posts.isReady else { return ledger.tellingFailed() }
        for telling in ledger.take(now: RedisClock.now) { send(telling) }
    }

    /// Tells what waits of one user.
    func tell(_ user: UserID) {
        guard posts.isReady else { return }
        for telling in ledger.take(of: user) { send(telling) }
    }

    /// Tells all that waits: the owner ends.
    func tellAll() {
        for telling in ledger.take(now: RedisClock.now, isLast: true) { send(telling) }
    }

    func disconnected() {
        ledger.listsLost()
    }

    private func send(_ telling: MarkerLedger.Telling) {
        posts.evaluate(
            Scripts.markers, keys: [keys.rooms(of: telling.user)],
            arguments: MarkerCall.arguments(telling.markers)
        ) { [self] outcome in
            var verdict = MarkerLedger.Outcome.told
            if case .failure(let error) = outcome {
                _ = faults.refusal(for: error, doing: "telling what was read")
                verdict = Self.isLasting(error) ? .refused : .failed
            }
            perform(ledger.answered(telling, verdict, now: RedisClock.now))
        }
    }

    /// Whether Redis will refuse it the next time too.
    private static func isLasting(_ error: RedisError) -> Bool {
        switch error.kind {
        case .wrongType, .noPermission, .other, .unkillable: true
        default: error == .closed
        }
    }

    private func perform(_ action: MarkerLedger.Action) {
        faults.markersDropped(ledger.takeDropped())
        switch action {
        case .none: break
        // At the end of the tick, with those who follow in it.
        case .tell: posts.eventLoop.assumeIsolated().execute { self.tell() }
        case .wait(let span):
            posts.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(span)) { [weak self] in self?.tell() }
        }
    }
}
