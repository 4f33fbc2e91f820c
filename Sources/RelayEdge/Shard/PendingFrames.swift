import NIOCore
import RelayCore
import RelayWire

/// What one tick has for the live members of a room: WebSocket frames one after another, encoded once.
struct PendingFrames {
    private(set) var bytes: ByteBuffer
    private(set) var count: UInt64 = 0
    /// Where members stand who do not get these.
    let before: ReadCursor?
    /// Where members stand who do.
    private(set) var after: ReadCursor?

    init(before: ReadCursor?, capacity: Int) {
        self.before = before
        after = before
        bytes = ByteBufferAllocator().buffer(capacity: capacity)
    }

    mutating func append(_ frame: StoredFrame) {
        FrameEncoder.write(.text, payload: frame.envelope, into: &bytes)
        after = ReadCursor(id: frame.id, seq: frame.seq)
        count += 1
    }

    mutating func append(event: ByteBuffer) {
        FrameEncoder.write(.text, payload: event, into: &bytes)
        count += 1
    }
}
