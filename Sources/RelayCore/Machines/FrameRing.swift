public import DequeModule
import NIOCore

/// The newest frames of one room, without a hole between the first and the last.
///
/// Bounded by `Limits.ringFramesMax` and `Limits.ringBytesMax`: past either the oldest go. `floor` says how far down
/// the ring reaches: every message of the stream with an id above it is here.
public struct FrameRing: Sendable {
    /// The frames, ascending.
    public private(set) var frames: Deque<StoredFrame> = []
    /// Every message above this id, up to the room's position, is in `frames`.
    public private(set) var floor: MessageID
    /// Whether no message between `floor` and the first frame was ever trimmed from the stream.
    public private(set) var isWhole: Bool
    private var bytes = 0

    /// A ring that reaches down to `floor` and holds nothing yet.
    public init(floor: MessageID, isWhole: Bool) {
        self.floor = floor
        self.isWhole = isWhole
    }

    /// The frame with that number; nil where the ring does not hold it.
    public func frame(seq: UInt64) -> StoredFrame? {
        guard let first = frames.first, seq >= first.seq, seq - first.seq < UInt64(frames.count) else { return nil }
        return frames[Int(seq - first.seq)]
    }

    /// Whether this ring holds the frame, or held it once: by its number and id it lies among or below its frames.
    func hasHeld(_ frame: StoredFrame) -> Bool {
        if let known = self.frame(seq: frame.seq) { return known.id == frame.id }
        return frames.first.map { frame.seq < $0.seq && frame.id <= floor } ?? false
    }

    /// Takes the room's next frame in; the oldest go where the ring is full.
    public mutating func append(_ frame: StoredFrame) {
        frames.append(frame)
        bytes += frame.envelope.readableBytes
        while frames.count > Limits.ringFramesMax || (bytes > Limits.ringBytesMax && frames.count > 1) {
            let oldest = frames.removeFirst()
            bytes -= oldest.envelope.readableBytes
            floor = oldest.id
            isWhole = true
        }
    }

    /// Puts older frames in front, the newest first, as far as there is room.
    ///
    /// - Parameters:
    ///   - older: ascending frames that end right below the first frame of the ring.
    ///   - lowerFloor: the id down to which `older` reaches.
    ///   - isWhole: whether nothing between that id and the first of `older` was trimmed.
    public mutating func prepend(
        _ older: some BidirectionalCollection<StoredFrame>, lowerFloor: MessageID, isWhole: Bool
    ) {
        for frame in older.reversed() {
            let size = frame.envelope.readableBytes
            guard frames.count < Limits.ringFramesMax, bytes + size <= Limits.ringBytesMax else {
                floor = frame.id
                self.isWhole = true
                return
            }
            frames.prepend(frame)
            bytes += size
        }
        guard lowerFloor <= floor else { return }
        floor = lowerFloor
        self.isWhole = isWhole
    }
}
