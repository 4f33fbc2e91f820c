import RelayCore
import RelayTestKit
import Testing

@Suite("A room's readers of older messages")
struct BackfillFairnessTests {
    /// A room with a long past, and readers at any depth of it who ask on until they are live.
    private struct Crowd {
        var feed = RoomFeedStateMachine<Int>()
        var stream = ModelStream()
        var random: SeededRandom
        private(set) var reads = 0
        /// The read under way.
        private var span: HistorySpan?
        /// For each who waits: the read before which it came, and how many stood in front of it.
        private var waiting: [Int: (since: Int, ahead: Int)] = [:]
        private var unfinished: [Int: ReadCursor] = [:]
        private(set) var violations: [String] = []

        init(seed: UInt64, messages: Int) {
            random = SeededRandom(seed: seed)
            stream.post(count: messages)
            perform(feed.readerArrived(-1, at: .history(limit: 1)))
            waiting.removeAll()
        }

        var isDone: Bool { waiting.isEmpty && unfinished.isEmpty }
        var isReading: Bool { span != nil }

        mutating func join(_ ticket: Int, after index: Int) {
            ask(ticket, .since(stream.entries[index].id, epoch: nil))
        }

        mutating func ask(_ ticket: Int, _ point: JoinPoint) {
            waiting[ticket] = (reads, waiting.count)
            perform(feed.readerArrived(ticket, at: point))
        }

        /// Redis answers.
        mutating func answer() {
            guard let span else { return }
            self.span = nil
            perform(feed.backfilled(stream.read(span)))
            feed.backfillAged()
        }

        /// Everybody who was given a page that is not the last asks for the next, in any order.
        mutating func askOn() {
            for (ticket, cursor) in unfinished.sorted(by: { $0.key < $1.key }).shuffled(using: &random) {
                unfinished[ticket] = nil
                ask(ticket, .cursor(cursor))
            }
        }

        /// Whether somebody waits for more reads than it may.
        private mutating func judge() {
            for (ticket, (since, ahead)) in waiting {
                // One may be under way already, and of any two that follow one is for the first in the queue.
                guard reads - since > 2 * (ahead + 1) + 1 else { continue }
                violations.append("\(ticket) waits for \(reads - since) reads with \(ahead) ahead of it")
            }
        }

        private mutating func perform(_ actions: [RoomFeedStateMachine<Int>.Action]) {
            for action in actions {
                switch action {
                case .subscribe: perform(feed.subscribed())
                case .catchUp(let span): perform(feed.caughtUp(stream.read(span)))
                case .backfill(let span):
                    reads += 1
                    self.span = span
                    judge()
                case .answer(let ticket, let recovery):
                    if !recovery.isLive { unfinished[ticket] = recovery.cursor }
                    waiting[ticket] = nil
                default: break
                }
            }
        }
    }

    @Test("are each served within two reads for everyone ahead of them, whoever asks on below them", arguments: 1...30)
    func everybody(seed: UInt64) {
        var crowd = Crowd(seed: seed, messages: 20_000)
        var next = 0
        for _ in 0..<400 {
            if next < 25, crowd.random.chance(20) {
                crowd.join(next, after: Int.random(in: 0..<18_000, using: &crowd.random))
                next += 1
            }
            if crowd.random.chance(70) { crowd.askOn() }
            crowd.answer()
        }
        for _ in 0..<4000 where !crowd.isDone {
            crowd.askOn()
            crowd.answer()
        }
        #expect(crowd.isDone)
        #expect(crowd.violations.isEmpty, "seed \(seed): \(crowd.violations.prefix(3))")
    }

    @Test("are served though two others go through the whole past below them")
    func aboveDeepReaders() {
        var crowd = Crowd(seed: 1, messages: 60_000)
        crowd.join(1, after: 0)
        crowd.join(2, after: 20_000)
        crowd.join(3, after: 58_000)
        for _ in 0..<7 {
            crowd.answer()
            crowd.askOn()
        }
        // Its 2000 messages in four pages, while the others have come less far.
        crowd.join(4, after: 58_400)
        let before = crowd.reads
        for _ in 0..<60 {
            crowd.answer()
            crowd.askOn()
        }
        #expect(crowd.violations.isEmpty, "\(crowd.violations.prefix(3))")
        #expect(crowd.reads > before + 50)
    }

    @Test("who come back all at once share a read or two, also where somebody else is far below", arguments: 1...10)
    func crowdShares(seed: UInt64) {
        var crowd = Crowd(seed: seed, messages: 5000)
        crowd.join(-2, after: 10)
        for ticket in 0..<2000 {
            crowd.join(ticket, after: Int.random(in: 3600..<3900, using: &crowd.random))
        }
        crowd.join(-3, after: 1000)
        let before = crowd.reads
        var answered = 0
        while crowd.isReading, answered < 100 {
            crowd.answer()
            answered += 1
        }
        #expect(crowd.reads - before <= 4, "\(crowd.reads - before) reads")
        #expect(crowd.violations.isEmpty)
    }
}
