import RelayCore
import RelayTestKit

extension FeedSimulation {
    /// A world that breaks its promises, to see that the checker notices.
    enum Mutation: CaseIterable {
        case none
        /// A read may answer with what was true before it was asked.
        case staleReads
        /// Now and then members are not given a frame that the feed orders to be delivered.
        case lostDeliveries
        /// Now and then they are given one twice.
        case repeatedDeliveries
    }

    enum ReadKind { case catchUp, backfill, create, settle }

    struct Read {
        var kind: ReadKind
        var span: HistorySpan
        /// What Redis answered, once it did; under way to the feed.
        var page: HistoryPage?
    }

    mutating func loseWrites() {
        // Noticed, waited for, read, and read on where much was said meanwhile.
        causes += 4
        if restores { return loseAndRestore() }
        truth.wasLost = true
        let highest = (stream.lastSeq, truth.highest)
        switch number(0, 2) {
        case 0: stream.flush()
        case 1: stream.rewind(by: number(1, 20))
        default:
            stream.rewind(by: number(1, 20))
            stream.raise(to: highest.0, id: highest.1)
        }
    }

    private mutating func loseAndRestore() {
        let (before, seq) = (stream.entries, stream.lastSeq)
        if random.chance(30) { stream.flush() } else { stream.rewind(by: number(1, 20)) }
        let kept = Set(stream.entries.map(\.id))
        let share = [0, 50, 100].randomElement(using: &random) ?? 0
        var lacking = before.filter { !kept.contains($0.id) }
        lacking.removeAll { _ in !random.chance(share) }
        stream.putBack(lacking)
        stream.raise(to: seq, id: truth.highest)
    }
}
