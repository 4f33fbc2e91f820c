import NIOCore
import RelayCore
import RelayWire

/// Makes an event stream of what a session writes: WebSocket frames.
///
/// So a session whose reader asks over HTTP is a session like any other up to its last step, and what is said to a
/// room is put together once for both.
struct EventTranscoder {
    private var decoder = FrameDecoder(role: .client, messageBytesMax: Limits.echoBytesMax)
    /// Whether the session has said that it is over.
    private(set) var isOver = false

    /// The events of these frames, which may end within one.
    mutating func events(of frames: ByteBuffer) -> ByteBuffer {
        var frames = frames
        var stream = ByteBufferAllocator().buffer(capacity: frames.readableBytes + 256)
        decoder.append(&frames)
        while !isOver, let event = decoder.next() {
            switch event {
            case .text(let envelope): EventStreamEncoder.write(envelope, into: &stream)
            case .ping: EventStreamEncoder.writeComment("", into: &stream)
            case .close(let code, let reason):
                EventStreamEncoder.writeComment(
                    "\(code.map { "\($0) " } ?? "")\(String(buffer: reason))", into: &stream)
                isOver = true
            case .violation: isOver = true
            case .binary, .pong: break
            }
        }
        return stream
    }
}
