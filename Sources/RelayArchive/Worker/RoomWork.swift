internal import RelayCore

/// One room in the hands of the worker.
final class RoomWork {
    let archive: RoomArchive
    var machine: ArchiveStateMachine
    /// Messages in the stream that are not in the files, at the last look.
    var behind: UInt64 = 0
    /// The activity that was known when the room was last found drained, and the time of that look.
    private var drained: (activity: UInt64, look: UInt64)?
    /// The activity that `chat:rooms` told last.
    var activity: UInt64 = 0

    /// How much later than its score a room may have been spoken in.
    private static let staleMilliseconds: UInt64 = 2000

    init(_ archive: RoomArchive) {
        self.archive = archive
        machine = ArchiveStateMachine(
            cursor: archive.cursor, knownEpoch: archive.record?.epoch, marker: archive.record?.marker)
    }

    /// The files hold all that the stream held at that time.
    func drained(at look: UInt64) { drained = (activity, look) }

    /// Whether a look would find nothing: the room was drained long enough after it was last spoken in.
    func isQuiet(at activity: UInt64) -> Bool {
        guard let drained else { return false }
        return drained.activity == activity && drained.look >= activity &+ Self.staleMilliseconds
    }
}

/// When something that failed is tried again.
struct Retry {
    private(set) var at: ContinuousClock.Instant
    private var delay: Duration = .milliseconds(500)
    private static let delayMax: Duration = .seconds(30)

    init(now: ContinuousClock.Instant) { at = now.advanced(by: delay) }

    /// The next one after another failure; the wait doubles up to half a minute.
    mutating func failedAgain(now: ContinuousClock.Instant) {
        delay = min(delay * 2, Self.delayMax)
        at = now.advanced(by: delay)
    }
}
