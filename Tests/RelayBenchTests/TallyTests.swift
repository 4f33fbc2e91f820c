import Histogram
import Testing

@testable import RelayBench

@Suite("What is counted of deliveries")
struct TallyTests {
    @Test("Numbers tell what is missing, late and repeated")
    func verdicts() {
        var tracker = SequenceTracker(after: 10)
        let seen: [(UInt64, SequenceTracker.Verdict)] = [
            (11, .next), (12, .next), (12, .repeated), (10, .repeated), (15, .ahead(missing: 2)), (14, .late),
            (14, .repeated), (15, .repeated), (13, .late), (16, .next), (216, .ahead(missing: 199)), (17, .repeated),
            (153, .late), (152, .repeated),
        ]
        for (seq, verdict) in seen { #expect(tracker.received(seq) == verdict, "\(seq)") }
        #expect(tracker.last == 216)
    }

    @Test("A room that was joined at its very beginning has nothing before 1")
    func first() {
        var tracker = SequenceTracker(after: 0)
        #expect(tracker.received(2) == .ahead(missing: 1))
        #expect(tracker.received(1) == .late)
        #expect(tracker.received(1) == .repeated)
    }

    @Test("A relay that stalls is charged for every post that was meant for the stall, not for one")
    func correction() {
        let plan = PacingPlan(start: 1_000_000_000, rate: 1000)
        var tally = DeliveryTally(run: 1, span: 10_000_000_000)
        tally.beginMeasuring(at: plan.start)
        // A millisecond each, but that nothing comes between second 1 and 2: then all at once.
        for index in 0..<2000 {
            let moment = plan.moment(of: index)
            let isStalled = (1_500_000_000..<2_500_000_000).contains(moment)
            tally.received(.next, PostMark(run: 1, moment: moment), at: isStalled ? 2_500_000_000 : moment + 1_000_000)
        }
        #expect(tally.measured == 2000)
        // Half of all posts fell into the stall, with latencies evenly spread up to a second.
        #expect((900_000...1_100_000).contains(tally.latencies.valueAtPercentile(50)))
        let upper = tally.latencies.valueAtPercentile(75)
        #expect((480_000_000...520_000_000).contains(upper), "\(upper)")
        #expect(tally.latencies.maxRecorded > 990_000_000)
    }

    @Test("Warm-up, repeats and what others say are told apart")
    func kinds() {
        var tally = DeliveryTally(run: 1, span: 1_000_000_000)
        tally.beginMeasuring(at: 100)
        tally.received(.next, PostMark(run: 1, moment: 99), at: 200)
        tally.received(.next, PostMark(run: 1, moment: 100), at: 250)
        tally.received(.repeated, PostMark(run: 1, moment: 100), at: 260)
        tally.received(.ahead(missing: 3), PostMark(run: 2, moment: 100), at: 270)
        tally.received(.late, PostMark(run: 1, moment: 110), at: 300)
        tally.received(.next, nil, at: 310)
        tally.neverCame(5)
        #expect(tally.all == 3)
        #expect(tally.measured == 2)
        #expect(tally.foreign == 2)
        #expect(tally.repeated == 1)
        #expect(tally.late == 1)
        #expect(tally.missing == 7)
        #expect(tally.lastMoment == 300)
        #expect(tally.latencies.totalCount == 2)
    }

    @Test("The curve over time has a bounded number of points, and every delivery is in one")
    func timeline() {
        for span: UInt64 in [1_000_000_000, 60_000_000_000, 86_400_000_000_000] {
            var timeline = Timeline(span: span, points: 200)
            #expect(timeline.counts.count <= 201)
            #expect(timeline.step >= 100_000_000)
            for place: UInt64 in [0, span / 2, span, span * 10] { timeline.add(at: place) }
            #expect(timeline.counts.reduce(0, +) == 4)
            let total = timeline.points.map(\.rate).reduce(0, +) * Double(timeline.step) / 1e9
            #expect(abs(total - 4) < 1e-6)
        }
    }
}
