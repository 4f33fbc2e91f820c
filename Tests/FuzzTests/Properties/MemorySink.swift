import NIOCore
import RelayCore

/// A segment in memory.
final class MemorySink: SegmentSink {
    private var bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func length() -> UInt64 { UInt64(bytes.count) }
    func append(_ buffer: ByteBuffer) { bytes += Array(buffer.readableBytesView) }
    func sync() {}
    func truncate(to length: UInt64) { bytes.removeLast(bytes.count - Int(length)) }
    func close() {}

    func read(at offset: UInt64, count: Int) -> ByteBuffer {
        ByteBuffer(bytes: bytes.dropFirst(Int(offset)).prefix(count))
    }
}
