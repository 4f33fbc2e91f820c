import HummingbirdCore
import NIOCore
import RelayCore
import RelayWire

/// A room's events on their way to one reader over HTTP: a session of that room, its pipe, and the task that empties
/// it.
struct EventReader: Sendable {
    /// After what time a reader is asked to come back whose connection ended.
    static let retrySpan: Duration = .seconds(1)

    private let loop: any EventLoop
    private let session: NIOLoopBound<SessionHandler>
    private let pipe: NIOLoopBound<EventPipe>

    /// Opens a session in the room.
    ///
    /// - Parameters:
    ///   - loop: the loop of the reader's connection.
    ///   - isSeen: whether others are told that the user is there.
    ///   - grant: what the reader's token says; nil where it has none.
    ///   - shard: the shard of a loop.
    /// - Throws: why the room is not for this reader, or not now.
    static func open(
        _ room: RoomID, from point: JoinPoint, as identity: Identity, isSeen: Bool, grant: TokenGrant?,
        on loop: any EventLoop,
        shard: @escaping @Sendable (any EventLoop) -> EdgeShard?
    ) async throws -> EventReader {
        let opened: Result<EventReader, Refusal> = await handedOver { handOver in
            loop.execute {
                guard let shard = shard(loop) else { return handOver(.failure(.draining)) }
                let session = SessionHandler(
                    shard: shard, id: String(UInt64.random(in: .min ... .max), radix: 36),
                    purpose: .events(identity, isSeen: isSeen))
                let pipe = EventPipe(of: room, bytesMax: shard.configuration.limits.slowBudgetBytes)
                let reader = EventReader(
                    loop: loop, session: NIOLoopBound(session, eventLoop: loop),
                    pipe: NIOLoopBound(pipe, eventLoop: loop))
                pipe.whenSettled { outcome in handOver(outcome.map { reader }) }
                session.begin(writingTo: pipe, in: room, from: point, grant: grant)
            }
        }
        return try opened.get()
    }

    /// Writes everything until the session or its reader is at the end.
    func write(to writer: inout any ResponseBodyWriter) async throws {
        var transcoder = EventTranscoder()
        var opening = ByteBuffer()
        EventStreamEncoder.writeRetry(Self.retrySpan, into: &opening)
        EventStreamEncoder.writeComment("Martlet", into: &opening)
        try await writer.write(opening)
        while !transcoder.isOver, let frames = await take() {
            let events = transcoder.events(of: frames)
            if events.readableBytes > 0 { try await writer.write(events) }
        }
    }

    private func take() async -> ByteBuffer? {
        await handedOver { handOver in
            loop.execute {
                session.value.pipeTaken()
                pipe.value.take { handOver($0) }
            }
        }
    }

    /// Ends the session in a while; where that is at once, when it has said what there was, however many pages.
    func end(after span: Duration) {
        loop.scheduleTask(in: .nanoseconds(span.wholeNanoseconds)) {
            if span == .zero { endWhenCaughtUp() } else { end() }
        }
    }

    /// From one page to the next there is a moment in which nothing is asked for: what counts is how it is after it.
    private func endWhenCaughtUp() {
        session.value.whenCaughtUp {
            loop.execute {
                if session.value.behindCount == 0 { end() } else { endWhenCaughtUp() }
            }
        }
    }

    private func end() {
        session.value.close(.normal)
        session.value.shard.flushDirty()
    }

    /// The reader is gone.
    func close() {
        loop.execute { session.value.pipeClosed() }
    }
}
