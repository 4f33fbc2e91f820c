import RelayCore
import RelayTestKit
import Testing

/// A moment so many milliseconds after the origin.
func moment(_ milliseconds: Int64) -> Moment { Moment(nanoseconds: milliseconds * 1_000_000) }

@Suite("A token bucket")
struct TokenBucketTests {
    @Test("lets a burst through, then says exactly how long to wait")
    func burst() {
        var bucket = TokenBucket(ratePerSecond: 20, burst: 40)
        for _ in 0..<40 { #expect(bucket.take(cost: 1, now: moment(0)) == nil) }
        #expect(bucket.take(cost: 1, now: moment(0)) == .milliseconds(50))
        #expect(bucket.take(cost: 3, now: moment(0)) == .milliseconds(150))
        #expect(bucket.take(cost: 1, now: moment(49)) == .milliseconds(1))
        #expect(bucket.take(cost: 1, now: moment(50)) == nil)
        #expect(bucket.take(cost: 1, now: moment(50)) == .milliseconds(50))
    }

    @Test("fills up while nothing comes, to the burst and not beyond")
    func refill() {
        var bucket = TokenBucket(ratePerSecond: 20, burst: 40)
        for _ in 0..<40 { _ = bucket.take(cost: 1, now: moment(0)) }
        for _ in 0..<40 { #expect(bucket.take(cost: 1, now: moment(1_000_000)) == nil) }
        #expect(bucket.take(cost: 1, now: moment(1_000_000)) != nil)
    }

    @Test("lets an op through that costs more than it ever holds, once it is full")
    func expensive() {
        var bucket = TokenBucket(ratePerSecond: 10, burst: 5)
        #expect(bucket.take(cost: 11, now: moment(0)) == nil)
        #expect(bucket.take(cost: 11, now: moment(499)) == .milliseconds(1))
        #expect(bucket.take(cost: 11, now: moment(500)) == nil)
    }

    @Test("takes what turned out to be dearer out of what is to come, one bucket full at most")
    func owed() {
        var bucket = TokenBucket(ratePerSecond: 10, burst: 5)
        #expect(bucket.take(cost: 1, now: moment(0)) == nil)
        bucket.owe(cost: 6, now: moment(0))
        #expect(bucket.take(cost: 1, now: moment(0)) == .milliseconds(200))
        for _ in 0..<100 { bucket.owe(cost: 6, now: moment(0)) }
        #expect(bucket.take(cost: 1, now: moment(0)) == .milliseconds(600))
        #expect(bucket.take(cost: 1, now: moment(600)) == nil)
    }

    @Test("never lets more through than burst and rate allow", arguments: 0..<20 as Range<UInt64>)
    func model(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let (rate, burst) = (Int.random(in: 1...50, using: &random), Int.random(in: 1...50, using: &random))
        var bucket = TokenBucket(ratePerSecond: rate, burst: burst)
        var (now, passed) = (Int64(0), 0)
        for _ in 0..<500 {
            now += Int64.random(in: 0...100, using: &random)
            if bucket.take(cost: 1, now: moment(now)) == nil { passed += 1 }
            #expect(passed <= burst + Int(now) * rate / 1000 + 1)
        }
        #expect(passed >= min(500, burst))
    }
}

@Suite("A heartbeat")
struct HeartbeatStateMachineTests {
    @Test("pings each interval, and lives as long as pongs come")
    func alive() {
        var heartbeat = HeartbeatStateMachine(interval: .seconds(25), now: moment(0))
        #expect(heartbeat.timePassed(now: moment(24_999)) == .none)
        for beat in 1...5 as ClosedRange<Int64> {
            #expect(heartbeat.timePassed(now: moment(beat * 25_000)) == .sendPing)
            #expect(heartbeat.timePassed(now: moment(beat * 25_000 + 1)) == .none)
            heartbeat.pongReceived()
        }
    }

    @Test("closes where a ping had no pong for an interval, and not before")
    func dead() {
        var heartbeat = HeartbeatStateMachine(interval: .seconds(25), now: moment(0))
        heartbeat.pongReceived()
        #expect(heartbeat.timePassed(now: moment(30_000)) == .sendPing)
        #expect(heartbeat.deadline == moment(55_000))
        #expect(heartbeat.timePassed(now: moment(54_999)) == .none)
        #expect(heartbeat.timePassed(now: moment(55_000)) == .close)
    }
}

@Suite("A timer wheel")
struct TimerWheelTests {
    @Test("fires each entry once, never early and at most a tick late", arguments: 0..<50 as Range<UInt64>)
    func model(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let slots = Int.random(in: 2...64, using: &random)
        let tick = Int64.random(in: 1...20, using: &random)
        var now = Int64.random(in: 0...10_000, using: &random)
        var wheel = TimerWheel<Int>(tick: .milliseconds(tick), slots: slots, now: moment(now))
        var waiting: [Int: Int64] = [:]
        for entry in 0..<400 {
            let deadline = now + Int64.random(in: -5...(Int64(slots - 2) * tick), using: &random)
            wheel.schedule(entry, at: moment(deadline))
            waiting[entry] = deadline
            let before = now
            now += Int64.random(in: 0...(random.chance(5) ? 3000 : tick * 2), using: &random)
            for fired in wheel.advance(to: moment(now)) {
                guard let due = waiting.removeValue(forKey: fired) else {
                    Issue.record("seed \(seed): \(fired) fired twice")
                    continue
                }
                #expect(due <= now, "seed \(seed): early")
            }
            let overdue = waiting.values.filter { max($0, before) + 2 * tick <= now }
            #expect(overdue.isEmpty, "seed \(seed): late")
        }
        #expect(Set(wheel.advance(to: moment(now + Int64(slots + 1) * tick))) == Set(waiting.keys))
        #expect(wheel.advance(to: moment(now + 1_000_000)).isEmpty)
    }

    @Test("fires at its far end what lies beyond it, and does nothing where time stands still")
    func farEnd() {
        var wheel = TimerWheel<String>(tick: .milliseconds(10), slots: 4, now: moment(0))
        wheel.schedule("far", at: moment(1_000_000))
        #expect(wheel.advance(to: moment(0)).isEmpty)
        #expect(wheel.advance(to: moment(29)).isEmpty)
        #expect(wheel.advance(to: moment(30)) == ["far"])
        #expect(wheel.advance(to: moment(0)).isEmpty)
    }
}

@Suite("A span")
struct SpanTests {
    @Test("is whole nanoseconds and milliseconds, the rest cut off")
    func whole() {
        #expect(Duration.milliseconds(1500).wholeNanoseconds == 1_500_000_000)
        #expect(Duration.nanoseconds(1_999_999).wholeMilliseconds == 1)
        #expect(Duration.seconds(600).wholeMilliseconds == 600_000)
        #expect(moment(5) - moment(2) == .milliseconds(3))
        #expect(moment(5) + .milliseconds(2) == moment(7))
        #expect(moment(-1) < moment(0))
    }
}
