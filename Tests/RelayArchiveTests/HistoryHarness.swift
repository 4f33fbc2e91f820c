import NIOCore
import NIOPosix
import RelayCore
import RelayTestKit
import NIOConcurrencyHelpers
import Testing

@testable import RelayArchive

/// What Redis holds of one room, at hand.
struct FixedStream: Sendable {
    var frames: [StoredFrame]
    var createdAt: UInt64?
    /// The room's counter and last id, which outlive the messages.
    var last: ArchivePosition?

    init(frames: [StoredFrame], createdAt: UInt64?, last: ArchivePosition? = nil) {
        self.frames = frames
        self.createdAt = createdAt
        self.last = last ?? frames.last.map { ArchivePosition(id: $0.id, seq: $0.seq) }
    }

    func page(_ span: HistorySpan) -> HistoryPage {
        let (matching, limit, takesNewest): ([StoredFrame], Int, Bool) =
            switch span {
            case .latest(let limit): (frames, limit, true)
            case .after(let id, let limit): (frames.filter { $0.id > id }, limit, false)
            case .before(let id, let limit): (frames.filter { $0.id < id }, limit, true)
            }
        let standing = RoomStanding(
            epoch: 7, lastSeq: last?.seq ?? 0, lastID: last?.id, oldestSeq: frames.first?.seq,
            oldestID: frames.first?.id, createdAt: createdAt)
        let taken = takesNewest ? matching.suffix(limit) : matching.prefix(limit)
        return HistoryPage(standing: standing, frames: Array(taken), more: taken.count < matching.count)
    }
}

/// An `ArchivedHistory` on a loop of its own, callable from a test.
final class HistoryHarness: Sendable {
    typealias Outcome = Result<HistoryPage, Refusal>

    private final class Store: HistoryStore {
        var stream: FixedStream
        init(_ stream: FixedStream) { self.stream = stream }
        func read(_ span: HistorySpan, of room: RoomID, completion: @escaping (Outcome) -> Void) {
            completion(.success(stream.page(span)))
        }
        func deleted(
            among ids: [MessageID], of room: RoomID, completion: @escaping (Result<Set<MessageID>, Refusal>) -> Void
        ) { completion(.success([])) }
    }

    private struct Held {
        let store: Store
        let history: ArchivedHistory
    }

    /// Questions that were asked together, and the answers so far by their place.
    final class Questions: Sendable {
        private let answers = NIOLockedValueBox<[Int: Outcome]>([:])
        var outcomes: [Int: Outcome] { answers.withLockedValue { $0 } }
        fileprivate func answered(_ index: Int, _ outcome: Outcome) { answers.withLockedValue { $0[index] = outcome } }
    }

    let log = LogCapture()
    private let loop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next()
    private let box: NIOLoopBoundBox<Held?>

    /// Over files.
    init(stream: FixedStream, directory: String) async throws {
        box = .makeEmptyBox(eventLoop: loop)
        try await loop.submit { [self] in
            let store = Store(stream)
            box.value = Held(
                store: store,
                history: ArchivedHistory(over: store, directory: directory, eventLoop: loop, logger: log.logger()))
        }.get()
    }

    /// Over what a test says of the files.
    init(
        stream: FixedStream, deadline: Duration = .seconds(60), patience: Duration = .seconds(60),
        readPage: @escaping ArchivedHistory.ReadPage
    ) async throws {
        box = .makeEmptyBox(eventLoop: loop)
        try await loop.submit { [self] in
            let store = Store(stream)
            box.value = Held(
                store: store,
                history: ArchivedHistory(
                    over: store, eventLoop: loop, logger: log.logger(), deadline: deadline, patience: patience,
                    readPage: readPage))
        }.get()
    }

    /// Asks for all of them in one turn of the loop.
    func begin(_ spans: [HistorySpan]) async throws -> Questions {
        let questions = Questions()
        try await loop.submit { [box] in
            for (index, span) in spans.enumerated() {
                try #require(box.value).history.read(span, of: Frames.room) { questions.answered(index, $0) }
            }
        }.get()
        return questions
    }

    func read(_ span: HistorySpan) async throws -> Outcome {
        let questions = try await begin([span])
        try await eventually("\(span) is answered") { questions.outcomes.count == 1 }
        return try #require(questions.outcomes[0])
    }

    func read(_ span: HistorySpan, unless refused: @escaping @Sendable (HistoryPage) -> Refusal?) async throws
        -> Outcome
    {
        let questions = Questions()
        try await loop.submit { [box] in
            try #require(box.value).history.read(span, of: Frames.room, unless: refused) { questions.answered(0, $0) }
        }.get()
        try await eventually("\(span) is answered") { questions.outcomes.count == 1 }
        return try #require(questions.outcomes[0])
    }

    /// The stream keeps its newest so many.
    func trim(to count: Int) async throws {
        try await loop.submit { [box] in
            let store = try #require(box.value).store
            store.stream.frames = store.stream.frames.suffix(count)
        }.get()
    }

    func figures() async throws -> HistoryFigures {
        try await loop.submit { [box] in try #require(box.value).history.figures }.get()
    }

    func stop() async throws {
        let isStopped = NIOLockedValueBox(false)
        try await loop.submit { [box] in
            try #require(box.value).history.stop { isStopped.withLockedValue { $0 = true } }
        }.get()
        try await eventually("the threads have ended") { isStopped.withLockedValue { $0 } }
        try await loop.submit { [box] in box.value = nil }.get()
    }
}

/// One room in files and in a stream that overlap.
struct ArchiveLayout: CustomStringConvertible {
    let directory: String
    let stream: FixedStream
    /// Everything that can be read, ascending.
    let all: [StoredFrame]
    /// How many of them are in the files: the oldest.
    let archivedCount: Int
    let description: String

    /// Numbers from 1, with holes now and then, over days; `archived` of them in files, the newest in a stream.
    init(
        random: inout SeededRandom, archived: Int? = nil, streamed: Int? = nil, createdAt: UInt64 = 5
    ) throws {
        let count = archived ?? Int.random(in: 1...300, using: &random)
        let archivedCount = archived ?? Int.random(in: 0...count, using: &random)
        let hasHoles = archived == nil && random.chance(50)
        var frames: [StoredFrame] = []
        var (seq, milliseconds) = (UInt64(random.chance(80) || archived != nil ? 0 : 40), Frames.midnight)
        var batch = ArchiveBatch()
        for index in 0..<count {
            let isHole = hasHoles && random.chance(3)
            seq += isHole ? UInt64.random(in: 2...9, using: &random) : 1
            milliseconds += random.chance(5) ? 50_000_000 : UInt64.random(in: 1...2000, using: &random)
            let frame = Frames.frame(seq, at: milliseconds)
            let gap = ArchiveGap(fromSeq: 1, toSeq: seq - 1, reason: .missing, milliseconds: milliseconds)
            if index < archivedCount { Self.add(frame, after: isHole ? gap : nil, to: &batch) }
            frames.append(frame)
        }
        // What is not archived is in the stream, and so may be some of what is.
        let least = count - archivedCount
        let kept = streamed ?? (random.chance(10) ? least : Int.random(in: least...count, using: &random))
        directory = try TemporaryDirectory.make("martlet-layout")
        if archivedCount > 0 {
            let archive = try RoomArchive(room: Frames.room, directory: directory, opener: FileSegmentOpener())
            try archive.write(
                RoomRecord(
                    room: Frames.room,
                    standing: ArchiveStanding(epoch: 7, seq: 0, archived: nil, createdAt: createdAt)))
            _ = try archive.append(batch)
        }
        stream = FixedStream(
            frames: frames.suffix(kept), createdAt: createdAt,
            last: frames.last.map { ArchivePosition(id: $0.id, seq: $0.seq) })
        all = frames
        self.archivedCount = archivedCount
        description = "\(count) messages, \(archivedCount) in files, \(kept) in the stream, holes: \(hasHoles)"
    }

    private static func add(_ frame: StoredFrame, after gap: ArchiveGap?, to batch: inout ArchiveBatch) {
        let segment = Segment(of: frame.id)
        if batch.segments.last?.segment != segment { batch.segments.append(SegmentLines(segment: segment, lines: [])) }
        let current = batch.segments.count - 1
        if let gap { batch.segments[current].lines.append(.gap(gap)) }
        batch.segments[current].lines.append(.frame(frame))
        batch.end = ArchivePosition(id: frame.id, seq: frame.seq)
    }

    /// A span, and the page that a walk finds. Pages are by preference near the border of files and stream.
    func question(random: inout SeededRandom) -> (HistorySpan, HistoryPage) {
        let limit = [1, 2, 7, 50, 500].randomElement(using: &random) ?? 1
        let border = stream.frames.first?.id ?? .zero
        let known = all.randomElement(using: &random)?.id ?? .zero
        let trimmed = all.last { $0.id < border }?.id ?? .zero
        let ids = [.zero, known, known.next, known.previous, border, border.previous, trimmed, trimmed.previous]
        let id = ids.randomElement(using: &random) ?? .zero
        let span: HistorySpan
        let matching: [StoredFrame]
        switch Int.random(in: 0...2, using: &random) {
        case 0: (span, matching) = (.latest(limit: limit), all)
        case 1: (span, matching) = (.before(id, limit: limit), all.filter { $0.id < id })
        default: (span, matching) = (.after(id, limit: limit), all.filter { $0.id > id })
        }
        let isAfter = if case .after = span { true } else { false }
        let frames = Array(isAfter ? matching.prefix(limit) : matching.suffix(limit))
        let below = frames.count { stream.frames.isEmpty || $0.id < border }
        let source: HistorySource = below == 0 ? .stream : below < frames.count ? .both : .archive
        let previous = all.last { $0.id <= id }?.seq ?? 0
        return (
            span,
            HistoryPage(
                standing: nil, frames: frames, more: matching.count > frames.count, source: source,
                isFollowingOn: isAfter && frames.first?.seq == previous + 1)
        )
    }

    func remove() { TemporaryDirectory.remove(directory) }
}
