/// A rewind that was dealt with: what Redis lost is known, and its numbers and ids were raised above it.
public struct RewindMarker: Sendable, Equatable {
    /// The room's epoch since.
    public var epoch: UInt64
    /// The last archived message at that time. The stream does not hold it any more, and need not.
    public var position: ArchivePosition
    /// To where the room's counter was raised; the first message after it has the next number.
    public var raisedSeq: UInt64

    /// A marker of the given parts.
    public init(epoch: UInt64, position: ArchivePosition, raisedSeq: UInt64) {
        self.epoch = epoch
        self.position = position
        self.raisedSeq = raisedSeq
    }
}

/// One room on its way into the files: read, append, sync, acknowledge.
///
/// The files are the truth about where the archive stands, so the machine starts from the last whole line, and nothing
/// that Redis says moves it but messages that were synced. The check of every look is that the last archived message
/// is still in the stream with its number; where it is not, `lookArrived` says which of the harmless reasons applies or
/// that Redis was rewound.
public struct ArchiveStateMachine: Sendable {
    private enum State: Sendable, Equatable {
        /// Waits for a look. Goes to any of the others, by `lookArrived`.
        case resting
        /// A batch is being written and synced. Goes to `acknowledging` or, where that failed, to `resting`.
        case appending(ArchivePosition)
        /// Redis is being told. Goes to `resting`.
        case acknowledging
        /// The room is being raised above what the files hold. Goes to `scanning` or to `resting`.
        case raising(ArchivePosition)
        /// The stream is being searched for what the files lack below their end. Goes to `recording` or to `resting`.
        case scanning(RewindMarker)
        /// The marker is being written down. Goes to `resting`.
        case recording(RewindMarker)
    }

    /// What to do about a look.
    public enum LookAction: Sendable, Equatable {
        /// Nothing: the files hold all there is.
        case rest
        /// The page held nothing for the files, and there is more behind it.
        case lookAgain
        /// Write the batch, sync it, then call `appended` or `appendFailed`.
        case append(ArchiveBatch)
        /// The files are ahead of what Redis was told. Sync, tell it, then call `acknowledged`.
        case acknowledge(ArchivePosition)
        /// Redis was rewound. Raise the room, then call `raised`.
        case raise(ArchivePosition, knownEpoch: UInt64?)
        /// A deleted room is drained: its stream may go, where this is still the end of it. What is no message stays
        /// behind the last one, and goes with it.
        case drop(through: MessageID)
    }

    /// The last archived message; nil where the files hold none.
    public private(set) var cursor: ArchivePosition?
    /// The epoch of the room at the last look that was in order.
    public private(set) var knownEpoch: UInt64?
    /// The rewind that was settled last.
    public private(set) var marker: RewindMarker?
    /// Entries that were no messages, since the start; each is counted once.
    public private(set) var skippedCount: UInt64 = 0

    /// Up to which id the room had been trimmed when Redis lost it and edges put it back: the files hold what is
    /// missing up to there. Said with each acknowledgement until one is known to have come through.
    public private(set) var trimmedID: MessageID?

    private var state = State.resting
    /// The highest id that the room's stream was ever seen to begin with.
    private var oldestID: MessageID?
    /// Where to read on after a page that held nothing for the files.
    private var scanID: MessageID?
    private var skippedThrough = MessageID.zero

    /// A room of which the files hold everything up to `cursor`.
    public init(cursor: ArchivePosition?, knownEpoch: UInt64?, marker: RewindMarker?) {
        self.cursor = cursor
        self.knownEpoch = knownEpoch
        self.marker = marker
    }

    /// From where the next look reads, that id included.
    public var nextLookID: MessageID { scanID ?? cursor?.id ?? .zero }

    /// A look that began at `nextLookID` and asked for at most `limit` entries, at least 2.
    public mutating func lookArrived(_ look: StreamLook, limit: Int) -> LookAction {
        precondition(state == .resting && limit >= 2)
        guard let standing = look.standing, let epoch = standing.epoch else { return actionWithoutEpoch(look) }
        if let cursor, scanID == nil {
            // The stream of a deleted room goes when it is drained: that it is missing is no rewind.
            if standing.isDeleted, look.lastID == nil { return .rest }
            guard isInOrder(look, standing, epoch, cursor) else {
                state = .raising(cursor)
                return .raise(cursor, knownEpoch: knownEpoch)
            }
            noteTrimming(look, standing, epoch, cursor)
        }
        knownEpoch = epoch
        let entries = look.entries.first?.id == cursor?.id ? look.entries.dropFirst() : look.entries[...]
        var builder = ArchiveBatchBuilder(
            last: cursor, marker: marker, seqMax: standing.seq, oldestID: look.oldestID, now: look.now)
        let batch = builder.build(entries)
        count(batch.skipped)
        if let end = batch.end {
            scanID = nil
            state = .appending(end)
            return .append(batch)
        }
        if look.entries.count >= limit, let last = look.entries.last {
            scanID = last.id.next
            return .lookAgain
        }
        let end = look.entries.last?.id ?? scanID?.previous ?? cursor?.id ?? .zero
        scanID = nil
        return actionWhenDrained(standing, end: look.lastID == nil ? nil : end)
    }

    /// The batch is written and synced.
    public mutating func appended() -> ArchivePosition {
        guard case .appending(let end) = state else { preconditionFailure("no batch is being written") }
        cursor = end
        state = .acknowledging
        return end
    }

    /// The batch could not be written, and the file is cut back to what it held before, or will be before the next one.
    public mutating func appendFailed() {
        guard case .appending = state else { preconditionFailure("no batch is being written") }
        state = .resting
    }

    /// Redis was told, or could not be: the next look shows which.
    public mutating func acknowledged() {
        precondition(state == .acknowledging)
        state = .resting
    }

    /// The room is raised: now the stream has to be searched up to the cursor for what the files lack.
    /// Answers up to which id, or nil where the room is gone or the raise failed.
    public mutating func raised(_ outcome: RaiseOutcome?) -> MessageID? {
        guard case .raising(let position) = state else { preconditionFailure("no room is being raised") }
        guard case .raised(let epoch, let seq) = outcome else {
            state = .resting
            return nil
        }
        state = .scanning(RewindMarker(epoch: epoch, position: position, raisedSeq: seq))
        return position.id
    }

    /// The files lack nothing below their end any more: now the marker is to be written down.
    public mutating func scanned() -> RewindMarker {
        guard case .scanning(let marker) = state else { preconditionFailure("nothing is being searched") }
        state = .recording(marker)
        return marker
    }

    /// The search or the writing failed; the next look begins anew.
    public mutating func settlingFailed() {
        switch state {
        case .scanning, .recording: state = .resting
        default: preconditionFailure("no rewind is being settled")
        }
    }

    /// The marker is written down: the rewind is settled.
    public mutating func recorded() {
        guard case .recording(let marker) = state else { preconditionFailure("no marker is being written") }
        self.marker = marker
        knownEpoch = marker.epoch
        state = .resting
    }

    /// A room that lost everything begins anew with what edges put back, and nothing in Redis tells any more what was
    /// trimmed before: an edge that comes late with such messages would be told that they were lost.
    private mutating func noteTrimming(
        _ look: StreamLook, _ standing: ArchiveStanding, _ epoch: UInt64, _ cursor: ArchivePosition
    ) {
        if standing.archived == cursor {
            trimmedID = nil
        } else if let knownEpoch, knownEpoch != epoch {
            trimmedID = oldestID?.previous
        }
        oldestID = [oldestID, look.oldestID].compactMap(\.self).max()
    }

    private mutating func actionWithoutEpoch(_ look: StreamLook) -> LookAction {
        scanID = nil
        // A room that was made again after a loss and in which nothing was said yet: raise it before something is.
        guard let cursor, let standing = look.standing, !standing.isDeleted else { return .rest }
        state = .raising(cursor)
        return .raise(cursor, knownEpoch: knownEpoch)
    }

    private mutating func actionWhenDrained(_ standing: ArchiveStanding, end: MessageID?) -> LookAction {
        if let cursor, standing.archived != cursor {
            state = .acknowledging
            return .acknowledge(cursor)
        }
        if standing.isDeleted, let end { return .drop(through: end) }
        return .rest
    }

    /// Whether the stream continues what the files hold.
    private func isInOrder(
        _ look: StreamLook, _ standing: ArchiveStanding, _ epoch: UInt64, _ cursor: ArchivePosition
    ) -> Bool {
        guard standing.seq >= cursor.seq, let lastID = look.lastID, lastID >= cursor.id else { return false }
        let next = look.entries.lazy.compactMap(\.frame).first { $0.id > cursor.id && $0.seq <= standing.seq }
        let goesOn = next.map { $0.seq > cursor.seq } ?? true
        if let first = look.entries.first, first.id == cursor.id {
            // With the same epoch, a lower number behind it is a forgery; with another, the counter was made anew.
            return first.frame?.seq == cursor.seq && (goesOn || epoch == knownEpoch)
        }
        if let marker, marker.epoch == epoch, marker.position == cursor { return standing.seq >= marker.raisedSeq }
        // Trimmed away by somebody up to where the files end, or beyond: then the gap tells it.
        return epoch == knownEpoch && goesOn && look.oldestID.map { $0 > cursor.id } ?? true
    }

    private mutating func count(_ skipped: [MessageID]) {
        for id in skipped where id > skippedThrough {
            skippedThrough = id
            skippedCount += 1
        }
    }
}

extension StreamEntry {
    /// The message; nil where it is none.
    var frame: StoredFrame? {
        if case .frame(let frame) = self { frame } else { nil }
    }
}
