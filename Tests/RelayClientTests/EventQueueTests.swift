import NIOConcurrencyHelpers
import RelayTestKit
import Testing

@testable import RelayClient

@Suite("The queue between a socket and whoever reads")
struct EventQueueTests {
    @Test("What was taken comes in order, also after the end, and then nothing")
    func order() async {
        let queue = EventQueue<Int>(capacity: 10)
        for number in 0..<5 { _ = queue.append(number) }
        queue.finish()
        _ = queue.append(99)
        for number in 0..<5 { #expect(await queue.next() == number) }
        #expect(await queue.next() == nil)
    }

    @Test("A full queue says so, takes no offer, and says once when half of it is free")
    func bound() async {
        let drained = NIOLockedValueBox(0)
        let queue = EventQueue<Int>(capacity: 4)
        queue.whenDrained { drained.withLockedValue { $0 += 1 } }
        #expect((0..<4).map { queue.append($0) } == [true, true, true, false])
        #expect(!queue.offer(4))
        #expect(queue.offer(5, extra: 1))
        #expect(!queue.hasRoom(for: 1))
        #expect([await queue.next(), await queue.next()] == [0, 1])
        #expect(drained.withLockedValue { $0 } == 0)
        #expect(await queue.next() == 2)
        #expect(drained.withLockedValue { $0 } == 1)
        #expect([await queue.next(), await queue.next()] == [3, 5])
        #expect(drained.withLockedValue { $0 } == 1)
    }

    @Test("A reader that is cancelled gets nil, and takes nothing from the next one")
    func cancellation() async {
        let queue = EventQueue<Int>(capacity: 4)
        let reader = Task { await queue.next() }
        reader.cancel()
        #expect(await reader.value == nil)
        _ = queue.append(1)
        #expect(await queue.next() == 1)
    }

    @Test("What a reader was given is its own, though it is cancelled before it comes for it")
    func cancelledLate() async {
        for _ in 0..<200 {
            let queue = EventQueue<Int>(capacity: 4)
            let reader = Task { await queue.next() }
            let maker = Task { _ = queue.append(1) }
            reader.cancel()
            await maker.value
            let first = await reader.value
            queue.finish()
            // One of the two has it, and not both.
            let second = await queue.next()
            #expect([first, second].compactMap { $0 } == [1])
        }
    }

    @Test("Of many readers each element comes to one")
    func manyReaders() async {
        let queue = EventQueue<Int>(capacity: 10)
        let sum = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    var sum = 0
                    while let number = await queue.next() { sum += number }
                    return sum
                }
            }
            for number in 1...1000 { _ = queue.append(number) }
            queue.finish()
            return await group.reduce(0, +)
        }
        #expect(sum == 500_500)
    }

    @Test("A reader that waits gets what comes")
    func waiting() async {
        let queue = EventQueue<Int>(capacity: 4)
        async let first = queue.next()
        _ = queue.append(7)
        #expect(await first == 7)
        async let last = queue.next()
        queue.finish()
        #expect(await last == nil)
    }
}
