internal import CUring
import NIOCore

/// Hands the same bytes to many sockets: with one system call where the kernel has io_uring, else with one each.
///
/// The call is shared, not the sending: the kernel's part of it stays, and nothing is left under way when `send`
/// returns. Measured: 16.6 µs a delivery in rooms of ten where one `send(2)` a socket costs 18.7, and 6.6 instead of
/// 7.6 in a room of a thousand at 50 messages a second (medians, side by side).
///
/// Confined to the thread that made it, which the kernel insists on.
@safe
final class FanOut {
    /// From so many sockets on a shared call costs less than one each.
    private static let sharedMin = 3

    /// Nil where there is none; see `hasRing`.
    private var ring: OpaquePointer?
    private var isRingMissed: Bool
    private var targets: ContiguousArray<curing_target> = []

    /// - Parameter usesRing: whether io_uring is tried at all.
    init(usesRing: Bool) {
        // Closed where it fails or in deinit; known to nobody else.
        unsafe ring = usesRing ? curing_open() : nil
        isRingMissed = usesRing
    }

    deinit {
        // Opened in init, and not closed yet.
        if let ring = unsafe ring { unsafe curing_close(ring) }
    }

    /// Whether sends share a system call: not where the kernel is older than Linux 5.6, or where a sandbox forbids it.
    var hasRing: Bool { unsafe ring != nil }

    /// Whether there is no ring though one was wanted, from the start or not any more: true once, for the log.
    func takeRingLoss() -> Bool {
        guard isRingMissed, !hasRing else { return false }
        isRingMissed = false
        return true
    }

    /// One more socket for the next `send`.
    ///
    /// - Parameters:
    ///   - isDeflated: whether it gets the compressed form.
    ///   - place: what the caller knows it by.
    func add(_ descriptor: Int32, isDeflated: Bool, place: Int) {
        targets.append(
            curing_target(descriptor: descriptor, form: isDeflated ? 1 : 0, sent: 0, place: Int64(place)))
    }

    /// Hands the bytes to the kernel, for every socket that was added.
    ///
    /// - Parameter rest: called for each socket that did not take all, in the order in which they were added, with what
    ///   is left for it. It must not send. An error counts as nothing taken: who writes the rest through the channel
    ///   meets it again.
    func send(_ frames: ByteBuffer, deflated: ByteBuffer?, rest: (_ place: Int, ByteBuffer) -> Void) {
        guard !targets.isEmpty else { return }
        let deflated = deflated ?? frames
        // The kernel reads both buffers within their bounds, and has let go of them when this returns.
        unsafe frames.withUnsafeReadableBytes { first in
            unsafe deflated.withUnsafeReadableBytes { second in
                unsafe handOver(
                    curing_bytes(start: first.baseAddress, count: first.count),
                    curing_bytes(start: second.baseAddress, count: second.count))
            }
        }
        let counts = (frames.readableBytes, deflated.readableBytes)
        // Nearly always all of them took all: then this touches two numbers each.
        var index = 0
        while index < targets.count {
            let sent = Int(targets[index].sent)
            let isFirst = targets[index].form == 0
            if sent < (isFirst ? counts.0 : counts.1) {
                var form = isFirst ? frames : deflated
                form.moveReaderIndex(forwardBy: max(0, sent))
                rest(Int(targets[index].place), form)
            }
            index += 1
        }
        targets.removeAll(keepingCapacity: true)
    }

    private func handOver(_ first: curing_bytes, _ second: curing_bytes) {
        var begin = 0
        if targets.count >= Self.sharedMin {
            // The array is not touched by anybody else meanwhile, and the calls stay within its bounds.
            unsafe targets.withUnsafeMutableBufferPointer { targets in
                while begin < targets.count, let ring = unsafe ring, let base = targets.baseAddress {
                    let count = min(targets.count - begin, Int(CURING_AT_ONCE))
                    if unsafe curing_send(ring, base + begin, UInt32(count), first, second) < 0 {
                        unsafe curing_close(ring)
                        unsafe self.ring = nil
                    }
                    begin += count
                }
            }
        }
        while begin < targets.count {
            // As above: the bytes of one of the two buffers.
            unsafe targets[begin].sent = Int64(
                send(targets[begin].form == 0 ? first : second, to: targets[begin].descriptor))
            begin += 1
        }
    }

    private func send(_ bytes: curing_bytes, to descriptor: Int32) -> Int {
        // The caller vouches for them.
        unsafe Lanes.send(bytes.start, bytes.count, to: descriptor)
    }
}
