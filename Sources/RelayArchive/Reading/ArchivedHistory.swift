public import Logging
public import NIOCore
internal import NIOPosix
public import RelayCore

/// A store of history that goes on in the files of the archive where the streams of another store end.
///
/// Confined to one event loop, but for the files: those are read by two threads of its own, since a disk may take its
/// time. Readers who want the same page while it is wanted share the read. A file that cannot be read, a directory
/// that is gone and a read that takes longer than `Limits.archiveDeadline` are counted, said in the log, and answered
/// with what the streams hold, marked as shortened.
///
/// Reads take turns, and the time that counts is that of the read itself. One that waits for its turn for
/// `Limits.archivePatience` is given up, and refused: nothing is known then of what the files hold.
public final class ArchivedHistory: HistoryStore {
    /// What the store has counted since the start.
    public private(set) var figures = HistoryFigures()

    private let stream: any HistoryStore
    private let readPage: ReadPage
    private let deadline: Duration
    private let patience: Duration
    private let eventLoop: any EventLoop
    private let logger: Logger
    private let pool = NIOThreadPool(numberOfThreads: ArchivedHistory.threadCount)

    /// Who waits for a read, from the moment it is wanted to its answer.
    private var wanted: [ArchivePageRequest: [(Answer) -> Void]] = [:]
    /// Reads that no thread has yet, in the order in which they came, and until when they wait.
    private var queue = CircularBuffer<(request: ArchivePageRequest, until: NIODeadline)>()
    private var isGivingUpScheduled = false
    /// Threads that read, and those of them whose read has taken too long.
    private var busyCount = 0
    private var hangingCount = 0
    private var silentUntil: NIODeadline?

    private static let threadCount = 2
    private static let silence = TimeAmount.minutes(1)
    private static let stopPatience = TimeAmount.seconds(1)

    private enum Answer {
        case found(ArchivePage?)
        case unreadable
        case late
        case overloaded
    }

    /// Reads one page of the files, on a thread that may be held up.
    typealias ReadPage = @Sendable (ArchivePageRequest) throws -> ArchivePage?

    /// A store over `stream` and the archive in `directory`, to be used on the event loop that owns `stream`.
    public convenience init(
        over stream: any HistoryStore, directory: String, eventLoop: any EventLoop, logger: Logger
    ) {
        let reader = ArchiveReader(directory: directory)
        self.init(over: stream, eventLoop: eventLoop, logger: logger) { request in try reader.page(request) }
    }

    init(
        over stream: any HistoryStore, eventLoop: any EventLoop, logger: Logger,
        deadline: Duration = Limits.archiveDeadline, patience: Duration = Limits.archivePatience,
        readPage: @escaping ReadPage
    ) {
        self.stream = stream
        self.readPage = readPage
        self.deadline = deadline
        self.patience = patience
        self.eventLoop = eventLoop
        self.logger = logger
        pool.start()
    }

    /// Reads the stream, and the files where the stream does not reach far enough. Files are taken only where their
    /// `room.json` says that they are of the room that was created when the stream's room was.
    ///
    /// Refused as `unavailable` where `Limits.archiveReadsMax` reads wait for the disk already, or where this one has
    /// waited for too long.
    public func read(
        _ span: HistorySpan, of room: RoomID, completion: @escaping (Result<HistoryPage, Refusal>) -> Void
    ) {
        read(span, of: room, unless: { _ in nil }, completion: completion)
    }

    /// Reads the stream, and the files only for those who may have what is in them.
    public func read(
        _ span: HistorySpan, of room: RoomID, unless refused: @escaping (HistoryPage) -> Refusal?,
        completion: @escaping (Result<HistoryPage, Refusal>) -> Void
    ) {
        stream.read(span, of: room, unless: refused) { [self] outcome in
            guard case .success(let page) = outcome, let createdAt = page.standing?.createdAt,
                let merge = HistoryMerge(page, for: span)
            else { return completion(outcome) }
            let request = ArchivePageRequest(
                room: room, createdAt: createdAt, span: merge.wanted, bound: merge.bound,
                wantsPrevious: merge.wantsPrevious)
            fetch(request) { answer in
                switch answer {
                case .found(let found?):
                    completion(
                        .success(merge.merged(with: found.frames, more: found.more, previousSeq: found.previousSeq)))
                case .found(nil): completion(.success(page))
                case .unreadable: completion(.success(page.shortened(.unreadable)))
                case .late: completion(.success(page.shortened(.late)))
                case .overloaded: completion(.failure(.unavailable))
                }
            }
        }
    }

    /// What was deleted stands beside the stream, also of messages that only the files hold.
    public func deleted(
        among ids: [MessageID], of room: RoomID, completion: @escaping (Result<Set<MessageID>, Refusal>) -> Void
    ) {
        stream.deleted(among: ids, of: room, completion: completion)
    }

    /// Ends the threads, and then calls back, on the event loop: once what they do is done, or after a second, since a
    /// disk that hangs may never be done.
    public func stop(_ completion: @escaping () -> Void) {
        var isOver = false
        let end = {
            if !isOver { completion() }
            isOver = true
        }
        let timeout = eventLoop.assumeIsolated().scheduleTask(in: Self.stopPatience, end)
        let done = NIOLoopBound(end, eventLoop: eventLoop)
        pool.shutdownGracefully { [eventLoop] _ in
            eventLoop.execute {
                timeout.cancel()
                done.value()
            }
        }
    }

    private func fetch(_ request: ArchivePageRequest, _ completion: @escaping (Answer) -> Void) {
        if wanted[request] != nil {
            wanted[request]?.append(completion)
            return
        }
        // Threads that hang would make every reader wait in vain.
        guard hangingCount < Self.threadCount else {
            figures.archiveFailures += 1
            return completion(.late)
        }
        guard wanted.count < Limits.archiveReadsMax else { return completion(.overloaded) }
        wanted[request] = [completion]
        queue.append((request, .now() + .nanoseconds(patience.wholeNanoseconds)))
        startReads()
    }

    /// Gives each thread that is free its next read.
    private func startReads() {
        while busyCount < Self.threadCount, let (request, _) = queue.popFirst() { start(request) }
        scheduleGivingUp()
    }

    private func start(_ request: ArchivePageRequest) {
        busyCount += 1
        figures.archiveReads += 1
        var isHanging = false
        let timeout = eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(deadline.wholeNanoseconds)) { [self] in
            isHanging = true
            hangingCount += 1
            fail(request, with: .late, reason: "no answer within \(deadline)")
            guard hangingCount == Self.threadCount else { return }
            while let (request, _) = queue.popFirst() { fail(request, with: .late, reason: "the disk hangs") }
        }
        pool.runIfActive(eventLoop: eventLoop) { [readPage] in try readPage(request) }
            .assumeIsolated()
            .whenComplete { [self] outcome in
                timeout.cancel()
                busyCount -= 1
                if isHanging {
                    hangingCount -= 1
                } else {
                    switch outcome {
                    case .success(let page): end(request, .found(page))
                    case .failure(let error): fail(request, with: .unreadable, reason: "\(error)")
                    }
                }
                startReads()
            }
    }

    /// Refuses in time whoever waits for a turn that does not come.
    private func scheduleGivingUp() {
        guard !isGivingUpScheduled, let first = queue.first else { return }
        isGivingUpScheduled = true
        eventLoop.assumeIsolated().scheduleTask(deadline: first.until) { [self] in
            isGivingUpScheduled = false
            let now = NIODeadline.now()
            while let first = queue.first, first.until <= now {
                queue.removeFirst()
                end(first.request, .overloaded)
            }
            scheduleGivingUp()
        }
    }

    private func fail(_ request: ArchivePageRequest, with answer: Answer, reason: String) {
        figures.archiveFailures += 1
        let now = NIODeadline.now()
        if silentUntil.map({ $0 <= now }) ?? true {
            silentUntil = now + Self.silence
            logger.warning(
                "The archive cannot be read: history ends where Redis's ends", metadata: ["reason": "\(reason)"])
        }
        end(request, answer)
    }

    private func end(_ request: ArchivePageRequest, _ answer: Answer) {
        for completion in wanted.removeValue(forKey: request) ?? [] { completion(answer) }
    }
}

extension HistoryPage {
    fileprivate func shortened(_ shortening: Shortening) -> HistoryPage {
        var page = self
        page.shortening = shortening
        return page
    }
}

/// A page of a room's files.
struct ArchivePageRequest: Hashable, Sendable {
    var room: RoomID
    /// When the room was created whose files are meant.
    var createdAt: UInt64
    var span: HistorySpan
    /// The id below which the files have to be complete: a read begun for a lower one may miss what was archived since.
    var bound: MessageID
    /// Whether the message below the span is looked for too.
    var wantsPrevious: Bool
}

/// What the files hold of it.
struct ArchivePage: Sendable, Equatable {
    var frames: [StoredFrame]
    var more: Bool
    /// The number of the last message at or below the id after which was read.
    var previousSeq: UInt64?
}

extension ArchiveReader {
    /// The page; nil where the archive has no such room, or one that was created at another time.
    func page(_ request: ArchivePageRequest) throws(SegmentError) -> ArchivePage? {
        do throws(SegmentError) {
            return try look(request)
        } catch {
            // A day may be taken away or replaced between the look at the names and the opening.
            return try look(request)
        }
    }

    private func look(_ request: ArchivePageRequest) throws(SegmentError) -> ArchivePage? {
        try checkDirectory()
        let spans = try spans(of: request)
        guard !spans.isEmpty else { return nil }
        let page = try read(request.span, of: request.room, within: spans)
        var previous: UInt64?
        if request.wantsPrevious, case .after(let id, _) = request.span {
            previous = try read(.before(id.next, limit: 1), of: request.room, within: spans).frames.first?.seq
        }
        // Another room may have begun meanwhile: what is said in it is not for whoever reads this one.
        guard try spans == self.spans(of: request) else { return nil }
        return ArchivePage(frames: page.frames, more: page.more, previousSeq: previous)
    }

    private func spans(of request: ArchivePageRequest) throws(SegmentError) -> [Range<MessageID>] {
        try record(of: request.room)?.spans(ofRoomCreatedAt: request.createdAt) ?? []
    }
}
