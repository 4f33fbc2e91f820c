import NIOCore
public import RelayCore

/// What Redis holds of one room, as simply as can be: entries in order, a counter, an epoch, trimming from the front.
public struct ModelStream: Sendable {
    /// Whether the room exists.
    public private(set) var exists = true
    /// The moment at which the room was made: what tells it from another one of the same name.
    public private(set) var createdAt: UInt64
    /// The moment at which the counter was made.
    public private(set) var epoch: UInt64
    /// The number given last.
    public private(set) var lastSeq: UInt64 = 0
    /// The id given last.
    public private(set) var lastID: MessageID?
    /// What trimming has left.
    public private(set) var entries: [StoredFrame] = []

    /// An empty room of that epoch.
    public init(epoch: UInt64 = 1) {
        self.epoch = epoch
        createdAt = epoch
    }

    /// Appends a message with the next number; its id lies `step` ms above the last, or right after it where that is 0.
    @discardableResult
    public mutating func post(step: UInt64 = 10, bytes: Int = 8) -> StoredFrame {
        exists = true
        let last = lastID ?? MessageID(milliseconds: 1000 + epoch * 1_000_000, sequence: 0)
        let id =
            step == 0
            ? MessageID(milliseconds: last.milliseconds, sequence: last.sequence + 1)
            : MessageID(milliseconds: last.milliseconds + step, sequence: 0)
        lastSeq += 1
        lastID = id
        let frame = Self.frame(seq: lastSeq, id: id, bytes: bytes)
        entries.append(frame)
        return frame
    }

    /// Appends so many.
    public mutating func post(count: Int, bytes: Int = 8) {
        for _ in 0..<count { post(bytes: bytes) }
    }

    /// Keeps the newest so many.
    public mutating func trim(keeping count: Int) {
        entries.removeFirst(max(0, entries.count - count))
    }

    /// Loses the newest so many, as a Redis does that comes up with an older file.
    public mutating func rewind(by count: Int) {
        entries.removeLast(min(count, entries.count))
        lastSeq -= min(lastSeq, UInt64(count))
        lastID = lastSeq == 0 ? nil : entries.last?.id
    }

    /// Is gone, and with it what it knew; made again it has another epoch and begins at 1.
    public mutating func flush() {
        self = ModelStream(epoch: epoch + 1)
        exists = false
    }

    /// Exists again after `flush`.
    public mutating func create() {
        exists = true
    }

    /// Lifts the counter under a new epoch, as whoever knows a higher number does after a loss.
    public mutating func raise(to seq: UInt64, id: MessageID) {
        epoch += 1
        lastSeq = max(lastSeq, seq)
        lastID = max(lastID ?? .zero, id)
        exists = true
    }

    /// Has messages again that it had lost, in their places; where the place is taken they stay lost.
    public mutating func putBack(_ frames: [StoredFrame]) {
        exists = true
        for frame in frames where frame.id > entries.last?.id ?? .zero && frame.seq > entries.last?.seq ?? 0 {
            entries.append(frame)
            lastSeq = max(lastSeq, frame.seq)
            lastID = max(lastID ?? .zero, frame.id)
        }
    }

    /// The same with everything that an archive holds below it.
    public func reaching(downTo archive: ModelArchive) -> ModelStream {
        guard exists, archive.createdAt == createdAt else { return self }
        var whole = self
        let floor = entries.first?.id ?? lastID?.next ?? .zero
        whole.entries = archive.frames.filter { $0.id < floor } + entries
        return whole
    }

    /// One atomic look.
    public func read(_ span: HistorySpan) -> HistoryPage {
        guard exists else { return HistoryPage(standing: nil, frames: [], more: false) }
        let standing = RoomStanding(
            epoch: epoch, lastSeq: lastSeq, lastID: lastID, oldestSeq: entries.first?.seq,
            oldestID: entries.first?.id, createdAt: createdAt)
        let (matching, limit, takesNewest): (ArraySlice<StoredFrame>, Int, Bool) =
            switch span {
            case .latest(let limit): (entries[...], limit, true)
            case .after(let id, let limit): (entries.drop { $0.id <= id }, limit, false)
            case .before(let id, let limit): (entries.prefix { $0.id < id }, limit, true)
            }
        let frames = takesNewest ? matching.suffix(limit) : matching.prefix(limit)
        return HistoryPage(standing: standing, frames: Array(frames), more: frames.count < matching.count)
    }

    /// A frame of that size whose bytes say nothing.
    public static func frame(seq: UInt64, id: MessageID, bytes: Int = 8) -> StoredFrame {
        StoredFrame(id: id, seq: seq, envelope: ByteBuffer(repeating: UInt8(ascii: "x"), count: bytes))
    }
}
