import NIOCore
import NIOPosix
import RelayTestKit
import NIOConcurrencyHelpers

/// Stands before an edge and does to a few of its messages what an edge without its care would do.
///
/// Everything passes, both ways; of the WebSocket frames that an edge sends, some that hold a message are left out,
/// given twice, or swapped with the next one.
final class FaultyForwarder: Sendable {
    enum Fault: String, Sendable, CaseIterable {
        case leaveOut, giveTwice, swap
    }

    /// Messages that are harmed in all: a few are as good as many.
    static let harmsMax = 5

    let port: Int
    private let server: any Channel
    private let budget: Budget

    /// How many messages were harmed.
    var harmed: Int { budget.used.withLockedValue { $0 } }

    /// Shared by all connections.
    final class Budget: Sendable {
        let used = NIOLockedValueBox(0)

        func take() -> Bool {
            used.withLockedValue { used in
                guard used < harmsMax else { return false }
                used += 1
                return true
            }
        }
    }

    private init(server: any Channel, port: Int, budget: Budget) {
        self.server = server
        self.port = port
        self.budget = budget
    }

    /// Listens on a free port and passes on to that of an edge.
    static func start(to edgePort: Int, _ fault: Fault) async throws -> FaultyForwarder {
        let budget = Budget()
        let group = MultiThreadedEventLoopGroup.singleton
        let server = try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { client in
                ClientBootstrap(group: client.eventLoop)
                    .channelInitializer { edge in
                        edge.eventLoop.makeCompletedFuture {
                            let handler = PassingHandler(to: client, altering: FrameAlteration(fault, budget))
                            try edge.pipeline.syncOperations.addHandler(handler)
                        }
                    }
                    .connect(host: "127.0.0.1", port: edgePort)
                    .flatMapThrowing { edge in
                        try client.pipeline.syncOperations.addHandler(PassingHandler(to: edge, altering: nil))
                        client.setOption(.autoRead, value: true).whenFailure { _ in client.close(promise: nil) }
                    }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        guard let port = server.localAddress?.port else { throw NeverHappened(description: "a port of the forwarder") }
        return FaultyForwarder(server: server, port: port, budget: budget)
    }

    func close() async { try? await server.close() }
}

/// Hands everything to another channel of the same loop, and ends with it.
private final class PassingHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let other: any Channel
    private var alteration: FrameAlteration?

    init(to other: any Channel, altering alteration: FrameAlteration?) {
        self.other = other
        self.alteration = alteration
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        let altered = alteration?.bytesReceived(bytes) ?? bytes
        if altered.readableBytes > 0 { other.writeAndFlush(altered, promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

/// Cuts what an edge sends into frames, and harms some of those that hold a message.
private struct FrameAlteration {
    private let fault: FaultyForwarder.Fault
    private let budget: FaultyForwarder.Budget
    private var pending = ByteBuffer()
    private var mode = Mode.head
    private var messages = 0
    private var kept: ByteBuffer?

    private enum Mode {
        case head, frames, plain
    }

    init(_ fault: FaultyForwarder.Fault, _ budget: FaultyForwarder.Budget) {
        self.fault = fault
        self.budget = budget
    }

    mutating func bytesReceived(_ bytes: ByteBuffer) -> ByteBuffer {
        var bytes = bytes
        pending.writeBuffer(&bytes)
        var output = ByteBuffer()
        if mode == .head { passHead(to: &output) }
        if mode == .plain { output.writeBuffer(&pending) }
        while mode == .frames, let frame = nextFrame() { pass(frame, to: &output) }
        pending.discardReadBytes()
        return output
    }

    private mutating func passHead(to output: inout ByteBuffer) {
        let view = pending.readableBytesView
        guard let end = view.firstRange(of: Array("\r\n\r\n".utf8)) else { return }
        mode = view.starts(with: Array("HTTP/1.1 101".utf8)) ? .frames : .plain
        guard var head = pending.readSlice(length: end.upperBound - view.startIndex) else { return }
        output.writeBuffer(&head)
    }

    /// A whole frame with its header; servers do not mask.
    private mutating func nextFrame() -> ByteBuffer? {
        let start = pending.readerIndex
        guard let short = pending.getInteger(at: start + 1, as: UInt8.self) else { return nil }
        var length = 2 + Int(short & 0x7f)
        if short & 0x7f == 126 {
            guard let long = pending.getInteger(at: start + 2, as: UInt16.self) else { return nil }
            length = 4 + Int(long)
        } else if short & 0x7f == 127 {
            guard let long = pending.getInteger(at: start + 2, as: UInt64.self) else { return nil }
            length = 10 + Int(long)
        }
        return pending.readSlice(length: length)
    }

    private mutating func pass(_ frame: ByteBuffer, to output: inout ByteBuffer) {
        defer {
            if let late = kept, fault != .swap || late != frame {
                output.writeImmutableBuffer(late)
                kept = nil
            }
        }
        let isMessage = frame.readableBytesView.firstRange(of: Array("{\"id\":\"".utf8)).map {
            $0.lowerBound - frame.readableBytesView.startIndex <= 10
        }
        guard isMessage == true, kept == nil else {
            output.writeImmutableBuffer(frame)
            return
        }
        messages += 1
        // Not the first, so that the reader knows what has to come.
        guard messages.isMultiple(of: 20), budget.take() else {
            output.writeImmutableBuffer(frame)
            return
        }
        switch fault {
        case .leaveOut: break
        case .giveTwice:
            output.writeImmutableBuffer(frame)
            kept = frame
        case .swap: kept = frame
        }
    }
}
