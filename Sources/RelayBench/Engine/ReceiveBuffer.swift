/// The one buffer that everything is read into. What a connection has not said to its end is kept with the connection,
/// and put before what comes next.
struct ReceiveBuffer {
    private(set) var bytes: [UInt8]

    init(byteCount: Int = 256 << 10) { bytes = Array(repeating: 0, count: byteCount) }

    /// Reads after what was carried over, and says where the bytes end.
    mutating func receive(_ descriptor: Int32, after carried: [UInt8]) -> (outcome: Socket.Outcome, limit: Int) {
        // A frame may be longer than all that was ever read at once.
        if bytes.count - carried.count < 16 << 10 {
            bytes.append(contentsOf: repeatElement(0, count: bytes.count))
        }
        if !carried.isEmpty { bytes.replaceSubrange(0..<carried.count, with: carried) }
        let outcome = Socket.receive(descriptor, into: &bytes, from: carried.count)
        guard case .moved(let count) = outcome else { return (outcome, carried.count) }
        return (outcome, carried.count + count)
    }

    /// Keeps what was not understood yet.
    func keep(_ range: Range<Int>, in carried: inout [UInt8]) {
        if range.isEmpty {
            if !carried.isEmpty { carried = [] }
        } else {
            carried.removeAll(keepingCapacity: true)
            carried.append(contentsOf: bytes[range])
        }
    }
}
