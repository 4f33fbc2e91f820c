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
        /// The archive is read as it was before the look at the stream.
        case staleArchive
    }

    enum ReadKind { case catchUp, backfill, create, settle }

    struct Read {
        var kind: ReadKind
        var span: HistorySpan
        /// What Redis answered, once it did; under way to the feed.
        var page: HistoryPage?
        /// What it answered, where the archive has something to add.
        var merge: HistoryMerge?
    }

    /// Everything that a reader can be given.
    var kept: ModelStream { isArchived ? stream.reaching(downTo: archive) : stream }

    /// Trims; of what is archived only, where there is an archive.
    mutating func trim() {
        guard isArchived else { return stream.trim(keeping: number(0, 120)) }
        let due = number(0, 400)
        if stream.createdAt == archive.createdAt ?? stream.createdAt {
            stream.trim(keeping: max(number(0, 120), archive.drain(stream, atMost: due)))
        }
    }

    /// A read looks at the stream; where the archive has something to add, it looks there later.
    mutating func look(for index: Int, at stream: ModelStream) {
        if let merge = reads[index].merge {
            reads[index].page = archive.complete(merge)
            if isFlaky, random.chance(10) {
                reads[index].page = stream.read(reads[index].span)
                // What nobody can read is given to nobody, and may be said to be lost. What is late may not.
                let isLate = random.chance(70)
                if isLate { truth.isShort = true } else { truth.wasLost = true }
                reads[index].page?.shortening = isLate ? .late : .unreadable
            }
            return
        }
        let page = stream.read(reads[index].span)
        guard isArchived, archive.createdAt == stream.createdAt, let merge = HistoryMerge(page, for: reads[index].span)
        else {
            reads[index].page = page
            return
        }
        if mutation == .staleArchive, let old = archives.first {
            reads[index].page = old.complete(merge)
        } else {
            reads[index].merge = merge
        }
    }

    /// An id from far back, or one right at a border.
    mutating func distantID() -> MessageID {
        let oldest = stream.entries.first?.id ?? .zero
        let said = archive.frames.randomElement(using: &random)?.id ?? oldest
        return [.zero, said, said.next, oldest, oldest.previous, archive.frames.last { $0.id < oldest }?.id ?? .zero]
            .randomElement(using: &random) ?? .zero
    }

    mutating func loseWrites() {
        // Noticed, waited for, read, and read on where much was said meanwhile.
        causes += 4
        if restores { return loseAndRestore() }
        truth.wasLost = true
        let highest = (stream.lastSeq, truth.highest)
        // The files of a room that was emptied are those of another room; how an archive settles a rewind is its own.
        switch isArchived ? 0 : number(0, 2) {
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
        truth.isHoled = true
    }
}
