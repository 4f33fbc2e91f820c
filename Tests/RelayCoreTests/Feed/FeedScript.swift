import RelayCore
import RelayTestKit

/// A feed, the stream behind it and what its readers got, so that a test reads as a conversation.
///
/// Actions are written as short lines: `catchUp latest 51`, `deliver 3…5`, `answer 7: 1…4 live`.
struct FeedScript {
    typealias Feed = RoomFeedStateMachine<Int>

    var feed = Feed()
    var stream = ModelStream()
    /// What completes the stream, where there is one.
    var archive: ModelArchive?
    /// Why it does not answer at present.
    var shortening: Shortening?
    /// Answers by ticket, in the order in which they came.
    private(set) var answers: [Int: [Recovery]] = [:]
    private(set) var refusals: [Int: Refusal] = [:]
    private(set) var catchUps = 0
    private(set) var backfills = 0
    /// What edges do once where the feed waits for them to put back what was lost.
    var repair: ((inout ModelStream) -> Void)?
    /// Set where `settle` gave up: a feed that asks on and on.
    private(set) var didLoop = false

    var reads: Int { catchUps + backfills }

    /// Notes what the actions say, and writes them down.
    mutating func note(_ actions: [Feed.Action]) -> [String] {
        for action in actions {
            switch action {
            case .answer(let ticket, let recovery): answers[ticket, default: []].append(recovery)
            case .refuse(let ticket, let refusal): refusals[ticket] = refusal
            case .catchUp: catchUps += 1
            case .backfill: backfills += 1
            case .subscribe, .settle, .create, .deliver, .lost, .rewound, .tryAgain: break
            }
        }
        return actions.map(Self.line)
    }

    /// Answers every order at once, with the stream as it stands, until the feed asks for no more.
    @discardableResult
    mutating func settle(_ actions: [Feed.Action]) -> [String] {
        var queue = actions
        var lines: [String] = []
        let readsMax = reads + 100
        while !queue.isEmpty {
            guard reads < readsMax else {
                didLoop = true
                return lines
            }
            let action = queue.removeFirst()
            lines += note([action])
            switch action {
            case .subscribe: queue += feed.subscribed()
            case .catchUp(let span): queue += feed.caughtUp(read(span))
            case .backfill(let span): queue += feed.backfilled(read(span))
            case .settle:
                let repair = repair
                self.repair = nil
                repair?(&stream)
                queue += feed.settled()
            case .create:
                stream.create()
                queue += feed.created()
            case .deliver, .lost, .rewound, .answer, .refuse, .tryAgain: break
            }
        }
        return lines
    }

    private func read(_ span: HistorySpan) -> HistoryPage {
        let page = stream.read(span)
        guard let archive, let merge = HistoryMerge(page, for: span) else { return page }
        guard let shortening else { return archive.complete(merge) }
        var shortened = page
        shortened.shortening = shortening
        return shortened
    }

    /// A reader comes and is served to the end of what the feed asks for.
    @discardableResult
    mutating func join(_ ticket: Int, _ point: JoinPoint = .history(limit: 50)) -> [String] {
        settle(feed.readerArrived(ticket, at: point))
    }

    /// A frame comes over the channel; `deliver` where it is handed on, else what the feed does.
    @discardableResult
    mutating func hear(_ frame: StoredFrame) -> [String] {
        switch feed.frameReceived(frame) {
        case .deliver: ["deliver \(frame.seq)"]
        case .none: []
        case .act(let actions): settle(actions)
        }
    }

    /// Posts so many and lets the feed hear each.
    mutating func talk(_ count: Int, bytes: Int = 8) {
        for _ in 0..<count { hear(stream.post(bytes: bytes)) }
    }

    /// Pages a reader up to live; all that it was given, in order.
    mutating func pageUp(_ ticket: Int, from first: Recovery) -> [Recovery] {
        var pages = [first]
        while let last = pages.last, !last.isLive, pages.count < 1000 {
            join(ticket, .cursor(last.cursor))
            guard let next = answers[ticket]?.last, next != last || !next.frames.isEmpty else { break }
            pages.append(next)
        }
        return pages
    }

    static func line(_ action: Feed.Action) -> String {
        switch action {
        case .subscribe: "subscribe"
        case .catchUp(let span): "catchUp \(line(span))"
        case .backfill(let span): "backfill \(line(span))"
        case .settle: "settle"
        case .create: "create"
        case .deliver(let frames): "deliver \(line(frames))"
        case .lost(let range): "lost \(range.lowerBound)…\(range.upperBound)"
        case .rewound(let from, let to, let epoch): "rewound \(from)→\(to) epoch \(epoch)"
        case .answer(let ticket, let recovery): "answer \(ticket): \(line(recovery))"
        case .tryAgain: "try again"
        case .refuse(let ticket, let refusal): "refuse \(ticket): \(refusal.code.rawValue)"
        }
    }

    static func line(_ recovery: Recovery) -> String {
        var line = recovery.frames.isEmpty ? "nothing" : self.line(recovery.frames)
        if recovery.isLive { line += " live" }
        if let shortfall = recovery.shortfall { line += " \(shortfall.rawValue)" }
        if let missed = recovery.missed { line += " missed \(missed.lowerBound)…\(missed.upperBound)" }
        return line
    }

    /// The numbers: `3`, `3…5` where they are dense, all of them where not.
    static func line(_ frames: [StoredFrame]) -> String {
        guard let first = frames.first, let last = frames.last else { return "nothing" }
        let isDense = zip(frames, frames.dropFirst()).allSatisfy { $1.seq == $0.seq + 1 && $1.id > $0.id }
        if !isDense { return frames.map { "\($0.seq)" }.joined(separator: ",") }
        return first.seq == last.seq ? "\(first.seq)" : "\(first.seq)…\(last.seq)"
    }

    private static func line(_ span: HistorySpan) -> String {
        switch span {
        case .latest(let limit): "latest \(limit)"
        case .after(let id, let limit): "after \(id) \(limit)"
        case .before(let id, let limit): "before \(id) \(limit)"
        }
    }
}
