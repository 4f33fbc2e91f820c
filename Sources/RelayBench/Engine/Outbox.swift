/// Bytes that are on their way out of one connection.
struct Outbox {
    private(set) var bytes: [UInt8] = []
    private var offset = 0

    var isEmpty: Bool { bytes.isEmpty }
    /// Bytes that have not been sent.
    var count: Int { bytes.count - offset }

    /// Adds to the end; `body` appends.
    mutating func append(_ body: (inout [UInt8]) -> Void) { body(&bytes) }

    /// Sends as much as the socket takes: true where that is all or where it takes no more at present, false where the
    /// connection is broken.
    mutating func flush(to descriptor: Int32) -> Bool {
        while offset < bytes.count {
            switch Socket.send(descriptor, bytes, from: offset) {
            case .moved(let count): offset += count
            case .blocked: return true
            case .ended, .failed: return false
            }
        }
        bytes.removeAll(keepingCapacity: true)
        offset = 0
        return true
    }

    /// Forgets what was not sent, and gives the memory back.
    mutating func clear() {
        bytes = []
        offset = 0
    }
}
