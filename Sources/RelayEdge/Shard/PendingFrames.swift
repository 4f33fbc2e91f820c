import NIOCore
import RelayCore
import RelayDeflate
import RelayWire

/// What one tick has for the live members of a room: WebSocket frames one after another, encoded once, and compressed
/// once where a member takes that.
struct PendingFrames {
    private(set) var bytes: ByteBuffer
    private(set) var count: UInt64 = 0
    /// How many of the frames are compressed in `deflated`.
    private(set) var deflatedCount: UInt64 = 0
    /// Where members stand who do not get these.
    let before: ReadCursor?
    /// Where members stand who do.
    private(set) var after: ReadCursor?

    /// The same frames, compressed where that pays; nil as long as it does for none.
    private(set) var deflated: ByteBuffer?
    private var deflatedPayloadBytesMax = 0
    /// What the frames are of, where a member reads lines.
    private(set) var sources: [RoomSource]?
    private let deflater: MessageDeflater?

    /// - Parameters:
    ///   - deflater: nil where no member takes compressed messages.
    ///   - hasTextReaders: whether a member reads lines.
    init(before: ReadCursor?, capacity: Int, deflater: MessageDeflater? = nil, hasTextReaders: Bool = false) {
        sources = hasTextReaders ? [] : nil
        self.before = before
        after = before
        self.deflater = deflater
        bytes = ByteBufferAllocator().buffer(capacity: capacity)
    }

    mutating func append(_ frame: StoredFrame) {
        append(text: frame.envelope)
        sources?.append(.message(frame.envelope))
        after = ReadCursor(id: frame.id, seq: frame.seq, rewinds: after?.rewinds ?? 0)
    }

    mutating func append(event: ByteBuffer) {
        append(text: event)
        sources?.append(.event(event))
    }

    /// What to write to a member that takes compressed messages of at most so many bytes, 0 for none at all.
    func frames(deflatedUpTo payloadBytesMax: Int) -> ByteBuffer {
        isDeflated(upTo: payloadBytesMax) ? deflated ?? bytes : bytes
    }

    /// Whether such a member gets the compressed form.
    func isDeflated(upTo payloadBytesMax: Int) -> Bool {
        deflated != nil && payloadBytesMax >= deflatedPayloadBytesMax
    }

    private mutating func append(text payload: ByteBuffer) {
        if let deflater {
            // What came before the first compressed frame is the same in both.
            var frames = deflated.take() ?? bytes
            if deflater.writeFrame(.text, payload: payload, into: &frames) {
                deflatedCount += 1
                deflatedPayloadBytesMax = max(deflatedPayloadBytesMax, payload.readableBytes)
                deflated = frames
            } else if deflatedCount > 0 {
                FrameEncoder.write(.text, payload: payload, into: &frames)
                deflated = frames
            }
        }
        FrameEncoder.write(.text, payload: payload, into: &bytes)
        count += 1
    }

    /// Word that Redis lost writes, and that the room stands at `seq` now.
    mutating func append(rewind: ByteBuffer, to seq: UInt64) {
        append(event: rewind)
        guard let told = after else { return }
        after = ReadCursor(id: told.id, seq: told.seq.map { min($0, seq) }, rewinds: told.rewinds + 1)
    }
}
