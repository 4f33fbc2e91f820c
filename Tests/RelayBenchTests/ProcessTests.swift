import Glibc
import RelayProcess
import Testing

@testable import RelayBench

@Suite("Processes beside a bench")
struct ProcessTests {
    private func sample(_ id: Int32) -> ProcessSample {
        ProcessSample(WatchedProcess(name: "", id: id, isRedis: false))
    }

    @Test("One that runs has used something; one that is gone, or waits for its parent to ask, has no figures")
    func samples() throws {
        let own = sample(getpid())
        #expect(own.processor ?? 0 > 0 && own.residentBytes ?? 0 > 0)
        #expect(own.processors?.allSatisfy { $0.isNumber || "-,".contains($0) } == true)
        let child = try SpawnedProcess(["/bin/sh", "-c", "exit 0"])
        _ = child.waitForEnd()
        let ended = sample(child.pid)
        #expect(ended.processor == nil && ended.residentBytes == nil)
        child.reap()
        let nobody = sample(BenchOutcome.nobody)
        #expect(nobody.processor == nil && nobody.residentBytes == nil && nobody.processors == nil)
    }

    @Test("They are at rest when they have used next to nothing for a while, not when they pause")
    func rest() {
        let span = BenchLimits.restSpan
        let share = UInt64(Double(span) * BenchLimits.restShare)
        var watch = RestWatch()
        #expect(watch.isReached(at: 7, used: 500) == false)
        #expect(watch.isReached(at: 7 + span - 1, used: 500) == false)
        // Too much in the first while, hardly anything in the second.
        #expect(watch.isReached(at: 7 + span, used: 500 + share) == false)
        #expect(watch.isReached(at: 7 + span + 1, used: 500 + share) == false)
        #expect(watch.isReached(at: 7 + 2 * span, used: 500 + share + share / 2) == true)
        // One of them has ended, and what it had used is no longer counted.
        #expect(watch.isReached(at: 7 + 3 * span, used: 10) == true)
    }
}
