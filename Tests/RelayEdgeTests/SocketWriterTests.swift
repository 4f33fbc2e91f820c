import NIOCore
import NIOPosix
import RelayTestKit
import Testing

@testable import RelayEdge

/// The writer on real sockets, with a peer that reads only when it is told to.
@Suite("A session's way to its socket")
struct SocketWriterTests {
    @Test("Bytes arrive in order: through the channel while the kernel takes no more, and straight again afterwards")
    func order() async throws {
        let wire = try await Wire.open()
        // Whatever the channel was given before may still wait in it: the first write follows through it.
        try await wire.write([0])
        try await eventually("the channel is done") { try await wire.isQueueEmpty() }
        #expect(try await wire.write([1]) == 0)
        var expected: [UInt8] = [0, 1]
        var queued = 0
        // More than the kernel holds for a peer that does not read.
        for number in 0..<400 where queued == 0 {
            let piece = [UInt8](repeating: UInt8(number % 251), count: 32 * 1024 + number)
            queued = try await wire.write(piece)
            expected += piece
        }
        #expect(queued > 0)
        // As it reads a little at a time the kernel has room again long before it says so to the channel: what is
        // written then must not overtake what the channel holds.
        var heard: [UInt8] = []
        for number in 0..<300 {
            heard += try await wire.readSome()
            let piece = [UInt8](repeating: UInt8(number % 241), count: 1000 + number)
            try await wire.write(piece)
            expected += piece
        }
        heard += try await wire.read(expected.count - heard.count)
        #expect(heard == expected)
        try await eventually("the channel is done") { try await wire.isQueueEmpty() }
        #expect(try await wire.write([77]) == 0)
        #expect(try await wire.read(1) == [77])
        try await wire.close()
    }

    @Test("What is written in one tick leaves together, in order")
    func gathering() async throws {
        let wire = try await Wire.open()
        try await wire.write([0])
        try await eventually("the channel is done") { try await wire.isQueueEmpty() }
        #expect(try await wire.write([1, 2], [3], [4, 5, 6]) == 0)
        #expect(try await wire.read(7) == [0, 1, 2, 3, 4, 5, 6])
        try await wire.close()
    }

    @Test("Once the channel is closed nothing is sent straight: the descriptor may be another socket's")
    func closed() async throws {
        let wire = try await Wire.open()
        try await wire.write([0])
        try await eventually("the channel is done") { try await wire.isQueueEmpty() }
        #expect(try await wire.read(1) == [0])
        try await wire.closeWritingEnd()
        #expect(try await wire.write([1]) == 1)
        try await wire.close()
    }
}

/// A connection over loopback: the writer at one end, a peer that reads when it is asked to at the other.
private struct Wire: Sendable {
    private let end: NIOLoopBound<WritingEnd>
    private let peer: NIOLoopBound<ReadingEnd>
    private let channels: [any Channel]

    static func open() async throws -> Wire {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let end = try await loop.submit { NIOLoopBound(WritingEnd(), eventLoop: loop) }.get()
        let peer = try await loop.submit { NIOLoopBound(ReadingEnd(), eventLoop: loop) }.get()
        let listener = try await ServerBootstrap(group: loop)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(end.value) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let client = try await ClientBootstrap(group: loop)
            .channelOption(.autoRead, value: false)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(peer.value) }
            }
            .connect(to: try #require(listener.localAddress)).get()
        let wire = Wire(end: end, peer: peer, channels: [client, listener])
        try await eventually("the connection is accepted") { try await wire.on(end) { $0.writer != nil } }
        return wire
    }

    /// Gathers these pieces and ends the tick; says how many writes the channel has to finish then.
    @discardableResult
    func write(_ pieces: [UInt8]...) async throws -> Int {
        try await on(end) { end in
            for piece in pieces { end.writer?.gather(ByteBuffer(bytes: piece)) }
            end.flush()
            return end.queued
        }
    }

    func isQueueEmpty() async throws -> Bool {
        try await on(end) { $0.queued == 0 }
    }

    func closeWritingEnd() async throws {
        try await on(end) { $0.context?.close(promise: nil) }
    }

    /// Reads until so many bytes came, and returns them.
    func read(_ count: Int) async throws -> [UInt8] {
        try await channels[0].setOption(.autoRead, value: true).get()
        try await eventually("\(count) bytes arrive") { try await on(peer) { $0.bytes.readableBytes >= count } }
        try await channels[0].setOption(.autoRead, value: false).get()
        return try await on(peer) { $0.bytes.readBytes(length: $0.bytes.readableBytes) ?? [] }
    }

    /// Reads what comes with one call, and returns it.
    func readSome() async throws -> [UInt8] {
        channels[0].read()
        try await eventually("something arrives") { try await on(peer) { $0.bytes.readableBytes > 0 } }
        return try await on(peer) { $0.bytes.readBytes(length: $0.bytes.readableBytes) ?? [] }
    }

    func close() async throws {
        for channel in channels { try? await channel.close() }
    }

    private func on<Value, Result: Sendable>(
        _ value: NIOLoopBound<Value>, _ body: @escaping @Sendable (Value) throws -> Result
    ) async throws -> Result {
        try await channels[0].eventLoop.submit { try body(value.value) }.get()
    }
}

private final class WritingEnd: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    var context: ChannelHandlerContext?
    var writer: SocketWriter?
    var queued = 0

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        writer = SocketWriter(channel: context.channel, isTransparent: true)
    }

    func flush() {
        guard let rest = writer?.flush(), let context else { return }
        queued += 1
        context.writeAndFlush(wrapOutboundOut(rest)).assumeIsolated().whenSuccess { [self] in
            queued -= 1
            writer?.channelSent()
        }
    }
}

private final class ReadingEnd: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    var bytes = ByteBuffer()

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var more = unwrapInboundIn(data)
        bytes.writeBuffer(&more)
    }
}
