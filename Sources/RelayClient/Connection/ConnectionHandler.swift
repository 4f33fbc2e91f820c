import NIOCore
import RelayCore
import RelayWire

/// What the owner of a connection tells its handler.
enum ConnectionOrder: Sendable {
    case frame(FrameOpcode, ByteBuffer, isFinal: Bool, isMasked: Bool)
    case raw(ByteBuffer)
    case close(code: UInt16, reason: String)
}

/// Speaks WebSocket over one socket: first the upgrade, then frames; obeys `ConnectionStateMachine`.
final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ConnectionOrder
    typealias OutboundOut = ByteBuffer

    private enum Phase {
        /// Exits: open, over.
        case upgrading(UpgradeExchange)
        /// Exits: over.
        case open(ConnectionStateMachine, FrameDecoder)
        case over
    }

    private let configuration: RelayConnectionConfiguration
    private let opened: EventLoopPromise<Void>
    private let sink: ConnectionSink
    private var phase: Phase
    private var deadline: Scheduled<Void>?
    private var pingTask: RepeatedTask?
    private var isAwaitingPong = false
    private var isPaused = false
    private var isReadHeldBack = false
    private var hasUnflushedWrites = false

    init(configuration: RelayConnectionConfiguration, opened: EventLoopPromise<Void>, sink: ConnectionSink) {
        self.configuration = configuration
        self.opened = opened
        self.sink = sink
        phase = .upgrading(UpgradeExchange())
    }

    // MARK: The socket

    func channelActive(context: ChannelHandlerContext) {
        guard case .upgrading(let exchange) = phase else { return }
        let request = exchange.request(for: configuration.url, headers: configuration.headers)
        context.writeAndFlush(wrapOutboundOut(request), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        switch phase {
        case .upgrading(let exchange): upgrade(exchange, bytes: &bytes, context: context)
        case .open: decode(&bytes, context: context)
        case .over: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if hasUnflushedWrites {
            hasUnflushedWrites = false
            context.flush()
        }
        context.fireChannelReadComplete()
    }

    /// Reads go through only while the queue of events has room.
    func read(context: ChannelHandlerContext) {
        if isPaused {
            isReadHeldBack = true
        } else {
            context.read()
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end("the socket was closed", context: context)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end("\(error)", context: context)
        context.close(promise: nil)
    }

    private func end(_ reason: String, context: ChannelHandlerContext) {
        switch phase {
        case .upgrading:
            phase = .over
            opened.fail(RelayConnectionError.unreachable(reason))
        case .open(var machine, _):
            if let closing = machine.socketEnded(reason) { finish(closing, context: context) }
        case .over: break
        }
        deadline?.cancel()
        pingTask?.cancel()
    }

    // MARK: The upgrade

    private func upgrade(_ exchange: UpgradeExchange, bytes: inout ByteBuffer, context: ChannelHandlerContext) {
        var exchange = exchange
        switch exchange.bytesReceived(&bytes) {
        case .incomplete:
            phase = .upgrading(exchange)
        case .accepted(var rest):
            phase = .open(
                ConnectionStateMachine(answersPings: configuration.answersPings),
                FrameDecoder(role: .client, messageBytesMax: configuration.messageBytesMax))
            startPinging(context: context)
            opened.succeed()
            if rest.readableBytes > 0 { decode(&rest, context: context) }
        case .refused(let status, let body):
            refuse(.refused(status: status, body: body), context: context)
        case .malformed:
            refuse(.malformedUpgrade, context: context)
        }
    }

    private func refuse(_ error: RelayConnectionError, context: ChannelHandlerContext) {
        phase = .over
        opened.fail(error)
        context.close(promise: nil)
    }

    // MARK: Frames in

    private func decode(_ bytes: inout ByteBuffer, context: ChannelHandlerContext) {
        guard case .open(var machine, var decoder) = phase else { return }
        // The phase must not hold a second reference to what the decoder holds while it unmasks and appends.
        phase = .over
        decoder.append(&bytes)
        var finish: FinishOrder?
        while finish == nil, let frame = decoder.next() {
            switch machine.frameReceived(frame) {
            case .deliver(let event):
                if case .pong = event { isAwaitingPong = false }
                deliver(event)
            case .sendPong(let payload):
                write(.pong, payload, context: context)
            case .answerClose(let code, let closing):
                finish = FinishOrder(code: code, answersClose: true, closing: closing)
            case .finish(let closing):
                finish = FinishOrder(code: nil, answersClose: false, closing: closing)
            case .none: break
            }
        }
        phase = .open(machine, decoder)
        guard let finish else { return }
        if finish.answersClose {
            var frame = ByteBuffer()
            FrameEncoder.writeClose(code: finish.code, maskingKey: .random(in: .min ... .max), into: &frame)
            context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
        }
        self.finish(finish.closing, context: context)
    }

    private struct FinishOrder {
        let code: UInt16?
        let answersClose: Bool
        let closing: Closing
    }

    private func deliver(_ event: ConnectionEvent) {
        if !sink.receive(event) { isPaused = true }
    }

    /// The reader of the events has caught up.
    func eventsDrained(context: ChannelHandlerContext) {
        isPaused = false
        guard isReadHeldBack else { return }
        isReadHeldBack = false
        context.read()
    }

    private func finish(_ closing: Closing, context: ChannelHandlerContext) {
        phase = .over
        sink.finish(closing)
        context.close(promise: nil)
    }

    // MARK: Orders

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .open(var machine, let decoder) = phase else {
            promise?.fail(RelayConnectionError.closed)
            return
        }
        switch unwrapOutboundIn(data) {
        case .frame(let opcode, let payload, let isFinal, let isMasked):
            guard machine.isOpen else {
                promise?.fail(RelayConnectionError.closed)
                return
            }
            var frame = ByteBuffer()
            let key = isMasked ? UInt32.random(in: .min ... .max) : nil
            FrameEncoder.write(opcode, payload: payload, isFinal: isFinal, maskingKey: key, into: &frame)
            context.write(wrapOutboundOut(frame), promise: promise)
        case .raw(let bytes):
            context.write(wrapOutboundOut(bytes), promise: promise)
        case .close(let code, let reason):
            guard case .sendClose = machine.closeOrdered(code: code, reason: reason) else {
                promise?.succeed()
                return
            }
            phase = .open(machine, decoder)
            var frame = ByteBuffer()
            FrameEncoder.writeClose(
                code: code, reason: reason, maskingKey: .random(in: .min ... .max), into: &frame)
            context.write(wrapOutboundOut(frame), promise: promise)
            // A paused reader must not keep the relay's answer from being seen.
            eventsDrained(context: context)
            startCloseDeadline(context: context)
        }
    }

    private func write(_ opcode: FrameOpcode, _ payload: ByteBuffer, context: ChannelHandlerContext) {
        var frame = ByteBuffer()
        FrameEncoder.write(opcode, payload: payload, maskingKey: .random(in: .min ... .max), into: &frame)
        context.write(wrapOutboundOut(frame), promise: nil)
        hasUnflushedWrites = true
    }

    // MARK: Time

    private func startCloseDeadline(context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        deadline = context.eventLoop.scheduleTask(in: TimeAmount(Limits.closeHandshakeDeadline)) {
            let (handler, context) = bound.value
            guard case .open(var machine, _) = handler.phase, let closing = machine.deadlinePassed() else { return }
            handler.finish(closing, context: context)
        }
    }

    private func startPinging(context: ChannelHandlerContext) {
        guard let interval = configuration.pingInterval else { return }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        pingTask = context.eventLoop.scheduleRepeatedTask(
            initialDelay: TimeAmount(interval), delay: TimeAmount(interval)
        ) { _ in
            let (handler, context) = bound.value
            handler.pingDue(context: context)
        }
    }

    private func pingDue(context: ChannelHandlerContext) {
        guard case .open(var machine, _) = phase, machine.isOpen else { return }
        // While the reader of the events holds the socket back, a pong may lie in it unread.
        if isAwaitingPong, !isPaused {
            if let closing = machine.silenceNoticed() { finish(closing, context: context) }
            return
        }
        isAwaitingPong = true
        write(.ping, ByteBuffer(), context: context)
        hasUnflushedWrites = false
        context.flush()
    }
}
