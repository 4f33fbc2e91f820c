import Logging
import NIOCore
import NIOEmbedded
import RelayCore
import RelayDeflate
import RelayWire

@testable import RelayEdge

/// A hub and a shard on one loop that turns when the test says so, over a store in memory.
final class OneLoopEdge {
    let loop = EmbeddedEventLoop()
    let store: InMemoryStore
    let hub: RoomHub
    let shard: EdgeShard

    init(configure: (inout EdgeConfiguration) -> Void = { _ in }) {
        var configuration = EdgeConfiguration(edge: EdgeID("edge"))
        configuration.limits.ratePerSecond = 100_000
        configuration.limits.burst = 100_000
        configuration.leaveGrace = .zero
        configure(&configuration)
        let store = InMemoryStore(loop: loop)
        self.store = store
        let logger = Logger(label: "edge") { _ in SwiftLogNoOpLogHandler() }
        hub = RoomHub(
            loop: loop, configuration: configuration,
            ports: EdgePorts(
                broker: store, history: store, directory: store, rooms: store, directs: store, markers: store,
                stop: { $0() }), logger: logger)
        shard = EdgeShard(
            index: 0, loop: loop, configuration: configuration, hub: HubHandle(hub), logger: logger)
        hub.attach([ShardLink(shard: NIOLoopBound(shard, eventLoop: loop), loop: loop)])
    }

    /// So much time goes by.
    func turn(_ span: Duration) {
        loop.advanceTime(by: TimeAmount(span))
        loop.run()
    }

    /// A client that is connected as that user, with an offer of extensions that has to be taken.
    func connect(as user: String, offering offer: String? = nil) throws -> OneLoopClient {
        let id = try UserID(user).orThrow()
        let agreement = try offer.map { offer in
            try ExtensionOffer.parse([offer]).flatMap { DeflateAgreement(toFirstOf: $0) }.orThrow()
        }
        return try OneLoopClient(self, .relay(Identity(user: id, name: DisplayName(id))), agreement)
    }

    /// A person at a terminal who is connected as that user, in that room or in the lobby.
    func connect(typing user: String, in room: String? = nil) throws -> OneLoopClient {
        let id = try UserID(user).orThrow()
        let client = try OneLoopClient(
            self, .text(Identity(user: id, name: DisplayName(id)), try room.map { try RoomID($0).orThrow() }), nil)
        loop.run()
        return client
    }
}

/// One WebSocket of a `OneLoopEdge`.
final class OneLoopClient {
    private let edge: OneLoopEdge
    private let channel: EmbeddedChannel
    private var decoder: FrameDecoder
    private let inflater = MessageInflater()

    init(_ edge: OneLoopEdge, _ purpose: SessionPurpose, _ agreement: DeflateAgreement?) throws {
        self.edge = edge
        decoder = FrameDecoder(role: .client, messageBytesMax: 1 << 24, acceptsCompression: agreement != nil)
        channel = EmbeddedChannel(loop: edge.loop)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        try channel.pipeline.syncOperations.addHandler(
            SessionHandler(
                shard: edge.shard, id: "session", purpose: purpose, agreement: agreement))
    }

    /// Sends an op and lets the loop turn until nothing is left to do.
    func send(_ json: String) throws {
        var frame = ByteBuffer()
        FrameEncoder.write(.text, payload: ByteBuffer(string: json), maskingKey: 0x0102_0304, into: &frame)
        try channel.writeInbound(frame)
        edge.loop.run()
    }

    /// Pings the edge.
    func ping(_ payload: String) throws {
        var frame = ByteBuffer()
        FrameEncoder.write(.ping, payload: ByteBuffer(string: payload), maskingKey: 0x0102_0304, into: &frame)
        try channel.writeInbound(frame)
        edge.loop.run()
    }

    /// The connection breaks.
    func vanish() {
        channel.close(promise: nil)
        edge.loop.run()
    }

    /// The socket takes no more, or takes more again.
    func setWritable(_ isWritable: Bool) {
        channel.isWritable = isWritable
        channel.pipeline.fireChannelWritabilityChanged()
        edge.loop.run()
    }

    /// The bytes that came since the last call.
    func receivedBytes() throws -> ByteBuffer {
        var all = ByteBuffer()
        while let bytes = try channel.readOutbound(as: ByteBuffer.self) { all.writeImmutableBuffer(bytes) }
        return all
    }

    /// What came since the last call.
    func received() throws -> [ServerFrame] { try read(try receivedBytes()) }

    /// What these bytes say, which follow on those that were read.
    func read(_ bytes: ByteBuffer) throws -> [ServerFrame] {
        try texts(bytes).map { try ServerFrameDecoder.decode($0) }
    }

    /// The lines that came since the last call; a close frame shows as its code.
    func lines() throws -> [String] { try texts(try receivedBytes()).map { String(buffer: $0) } }

    private func texts(_ bytes: ByteBuffer) throws -> [ByteBuffer] {
        var bytes = bytes
        decoder.append(&bytes)
        var frames: [ByteBuffer] = []
        while let event = decoder.next(inflating: { (payload, bytesMax) throws(FrameViolation) in
            do throws(InflateError) {
                return try inflater.inflate(payload, bytesMax: bytesMax)
            } catch {
                throw .invalidCompression
            }
        }) {
            if case .text(let text) = event { frames.append(text) }
            if case .close(let code?, _) = event { frames.append(ByteBuffer(string: "close \(code)")) }
        }
        return frames
    }

    /// The numbers of the messages that came since the last call, in answers to joins and live, in order.
    func receivedNumbers() throws -> [UInt64] {
        try received().flatMap { frame -> [UInt64] in
            switch frame {
            case .message(let message): [message.message.seq]
            case .answer(.joined(let answer), _): answer.messages.map(\.message.seq)
            case .answer, .event, .notice: []
            }
        }
    }
}

extension [ServerFrame] {
    /// The answers to the op with that `ref`.
    func answers(to ref: Int64) -> [ServerAnswer] {
        compactMap { if case .answer(let answer, ref: .integer(ref)) = $0 { answer } else { nil } }
    }
}

/// Something that has to be there is not.
struct Missing: Error {}

extension Optional {
    func orThrow() throws -> Wrapped {
        guard let self else { throw Missing() }
        return self
    }
}
