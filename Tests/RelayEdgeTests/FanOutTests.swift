import Glibc
import NIOCore
import NIOPosix
import Testing

@testable import RelayEdge

/// With and without a shared system call. Where the kernel has no io_uring both are the same.
@Suite("The same bytes for many sockets")
struct FanOutTests {
    /// Two connected sockets that do not block.
    private final class Pair {
        let near: Int32
        let far: Int32

        init() throws {
            var ends: [Int32] = [-1, -1]
            let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue)
            // Fills in the two elements.
            try #require(unsafe socketpair(AF_UNIX, kind, 0, &ends) == 0)
            (near, far) = (ends[0], ends[1])
        }

        deinit {
            close(near)
            close(far)
        }

        /// All that has come so far.
        func received() -> [UInt8] {
            var all: [UInt8] = []
            var bytes = [UInt8](repeating: 0, count: 65_536)
            while true {
                // Fills in as many bytes as there are at most.
                let count = unsafe recv(far, &bytes, bytes.count, 0)
                guard count > 0 else { return all }
                all += bytes[..<count]
            }
        }

        /// Writes until the kernel takes no more.
        func fill() {
            let bytes = [UInt8](repeating: 0, count: 65_536)
            // Reads as many bytes as there are at most.
            while unsafe send(near, bytes, bytes.count, 0) > 0 {}
        }
    }

    private struct Sockets {
        private let pairs: [Pair]

        init(_ count: Int) throws {
            pairs = try (0..<count).map { _ in try Pair() }
        }

        subscript(_ place: Int) -> Pair { pairs[place] }
    }

    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test("Each gets the form that is for it, however many there are, and nothing is left", arguments: [true, false])
    func everybody(usesRing: Bool) throws {
        let sockets = try Sockets(600)
        let fanOut = FanOut(usesRing: usesRing)
        let hadRing = fanOut.hasRing
        for round in 0..<3 {
            for place in 0..<600 {
                fanOut.add(sockets[place].near, isDeflated: place % 3 == 0, place: place)
            }
            var left = 0
            fanOut.send(ByteBuffer(string: "plain\(round)"), deflated: ByteBuffer(string: "d\(round)")) { _, _ in
                left += 1
            }
            #expect(left == 0)
            for place in 0..<600 {
                #expect(sockets[place].received() == bytes(place % 3 == 0 ? "d\(round)" : "plain\(round)"))
            }
        }
        #expect(fanOut.hasRing == hadRing, "what was sent without its ring says nothing of the ring")
    }

    @Test(
        "Who takes less, or nothing, or is gone, is told of with the rest; the others have all",
        arguments: [true, false])
    func some(usesRing: Bool) throws {
        let sockets = try Sockets(5)
        sockets[1].fill()
        // The far end is gone.
        shutdown(sockets[3].far, Int32(SHUT_RDWR))
        let fanOut = FanOut(usesRing: usesRing)
        let hadRing = fanOut.hasRing
        let long = [UInt8](repeating: 7, count: 4 << 20)
        for place in (0..<5).reversed() {
            fanOut.add(sockets[place].near, isDeflated: place != 4, place: place)
        }
        var rests: [Int: Int] = [:]
        var order: [Int] = []
        fanOut.send(ByteBuffer(bytes: long), deflated: ByteBuffer(string: "short")) { place, rest in
            rests[place] = rest.readableBytes
            order.append(place)
        }
        #expect(order == [4, 3, 1])
        #expect(rests[1] == 5)
        #expect(rests[3] == 5)
        // What the kernel took of the long one came, and the rest is what it did not take.
        let part = try #require(rests[4])
        #expect(part > 0 && part < long.count)
        #expect(sockets[4].received().count == long.count - part)
        #expect(sockets[0].received() == bytes("short"))
        #expect(sockets[2].received() == bytes("short"))
        #expect(fanOut.hasRing == hadRing, "a socket's fault is not the ring's")
    }

    @Test("A descriptor that is none harms nobody else, and the next send works", arguments: [true, false])
    func badDescriptor(usesRing: Bool) throws {
        let sockets = try Sockets(4)
        let fanOut = FanOut(usesRing: usesRing)
        let hadRing = fanOut.hasRing
        for round in 0..<2 {
            for place in 0..<4 {
                fanOut.add(
                    place == 2 ? 1_000_000 : sockets[place].near, isDeflated: false,
                    place: place)
            }
            var left: [Int] = []
            fanOut.send(ByteBuffer(string: "\(round)"), deflated: nil) { place, _ in left.append(place) }
            #expect(left == [2])
            for place in [0, 1, 3] { #expect(sockets[place].received() == bytes("\(round)")) }
        }
        #expect(fanOut.hasRing == hadRing, "a socket's fault is not the ring's")
    }

    @Test("On a thread that is not the ring's everybody is served all the same")
    func otherThread() async throws {
        let fanOut = Handed(FanOut(usesRing: true))
        let sockets = Handed(try Sockets(4))
        let left = try await NIOThreadPool.singleton.runIfActive {
            var left = 0
            for place in 0..<4 {
                fanOut.value.add(sockets.value[place].near, isDeflated: false, place: place)
            }
            fanOut.value.send(ByteBuffer(string: "x"), deflated: nil) { _, rest in left += rest.readableBytes }
            return left
        }
        // The kernel refuses a ring to other threads; what it did not take is told as left.
        let came = (0..<4).reduce(0) { $0 + sockets.value[$1].received().count }
        #expect(came + left == 4)
        #expect(came == 4 || !fanOut.value.hasRing)
        #expect(fanOut.value.takeRingLoss() == !fanOut.value.hasRing, "a ring that is given up is told of")
        #expect(!fanOut.value.takeRingLoss(), "once")
    }
}

/// For an object that one thread after the other uses.
private struct Handed<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}
