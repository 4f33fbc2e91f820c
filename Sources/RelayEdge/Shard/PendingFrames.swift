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
        after = ReadCursor(id: frame.id, seq: frame.seq, rewinds: after?.rewinds ?? 0)
        count += 1
    }

    mutating func append(event: ByteBuffer) {
        FrameEncoder.write(.text, payload: event, into: &bytes)
        count += 1
    }

    /// Word that Redis lost writes, and that the room stands at `seq` now.
    mutating func append(rewind: ByteBuffer, to seq: UInt64) {
        append(event: rewind)
        guard let told = after else { return }
        after = ReadCursor(id: told.id, seq: told.seq.map { min($0, seq) }, rewinds: told.rewinds + 1)
    }
}
