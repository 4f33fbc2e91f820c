internal import Glibc
import NIOCore

/// How a loop reaches the sockets of its sessions without touching the sessions: a short entry each, side by side.
///
/// What a session is made of lies scattered over many lines of memory. A delivery that walks them costs more there than
/// anything else it does outside of the kernel, so a push to a room reads these entries, and looks at a session only
/// where something is not as usual.
struct Lanes {
    /// One session's entry.
    struct Lane {
        /// The socket, as long as bytes may go there straight, with nothing waiting that was written before; else -1.
        fileprivate(set) var descriptor: Int32 = -1
        /// The longest message that the session takes compressed; 0 for none at all.
        fileprivate(set) var deflatedBytesMax: Int32 = 0
        /// Whether the session is in more rooms than one, so that one tick may have several things for it.
        fileprivate(set) var isShared = false
    }

    private var lanes: ContiguousArray<Lane> = []
    private var free: [Int32] = []

    /// The lane of that number; one without a socket for a session that has none.
    subscript(number: Int32) -> Lane { number >= 0 ? lanes[Int(number)] : Lane() }

    /// The number of a new session's lane.
    mutating func open(deflatedBytesMax: Int) -> Int32 {
        let lane = Lane(deflatedBytesMax: Int32(clamping: deflatedBytesMax))
        if let number = free.popLast() {
            lanes[Int(number)] = lane
            return number
        }
        lanes.append(lane)
        return Int32(lanes.count - 1)
    }

    /// The session is no more; its number becomes another's.
    mutating func close(_ number: Int32) {
        lanes[Int(number)] = Lane()
        free.append(number)
    }

    /// Whether bytes may go straight to the session's socket has changed.
    mutating func update(_ number: Int32, descriptor: Int32?, roomCount: Int) {
        lanes[Int(number)].descriptor = descriptor ?? -1
        lanes[Int(number)].isShared = roomCount > 1
    }

    /// Hands bytes to the kernel.
    ///
    /// - Returns: how many it took. An error counts as none: who writes the rest through the channel meets it again.
    static func send(_ frames: ByteBuffer, to descriptor: Int32) -> Int {
        unsafe frames.withUnsafeReadableBytes { bytes in
            // The buffer's bytes, within its bounds.
            unsafe send(bytes.baseAddress, bytes.count, to: descriptor)
        }
    }

    /// The same with bytes in memory.
    static func send(_ start: UnsafeRawPointer?, _ count: Int, to descriptor: Int32) -> Int {
        // The call reads these bytes and keeps no pointer to them.
        unsafe max(0, Glibc.send(descriptor, start, count, Int32(MSG_NOSIGNAL)))
    }
}
