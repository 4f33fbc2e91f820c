public import RelayCore

/// What the files hold of one room, as simply as can be: entries in order.
public struct ModelArchive: Sendable {
    /// When the room was made whose files these are; nil before the first message.
    public private(set) var createdAt: UInt64?
    /// All that was archived.
    public private(set) var frames: [StoredFrame] = []

    /// An archive without a message.
    public init() {}

    /// Takes in the oldest entries of the stream that it lacks, at most so many. Those of a room that was made later
    /// under the same name go into the same files, which stay the first room's.
    ///
    /// - Returns: how many entries of the stream are not archived now.
    public mutating func drain(_ stream: ModelStream, atMost count: Int = .max) -> Int {
        createdAt = createdAt ?? stream.createdAt
        let last = frames.last?.id ?? .zero
        let lacking = stream.entries.filter { $0.id > last }
        frames += lacking.prefix(count)
        return max(0, lacking.count - count)
    }

    /// Has never had these numbers.
    public mutating func lose(_ numbers: ClosedRange<UInt64>) {
        frames.removeAll { numbers.contains($0.seq) }
    }

    /// The page that a merge wants, merged.
    public func complete(_ merge: HistoryMerge) -> HistoryPage {
        switch merge.wanted {
        case .after(let id, let limit):
            let above = frames.filter { $0.id > id }
            return merge.merged(
                with: Array(above.prefix(limit)), more: above.count > limit,
                previousSeq: frames.last { $0.id <= id }?.seq)
        case .before(let id, let limit):
            let below = frames.filter { $0.id < id }
            return merge.merged(with: below.suffix(limit), more: below.count > limit, previousSeq: nil)
        case .latest(let limit):
            return merge.merged(with: frames.suffix(limit), more: frames.count > limit, previousSeq: nil)
        }
    }
}
