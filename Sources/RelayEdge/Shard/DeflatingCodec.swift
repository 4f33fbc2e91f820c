import NIOCore
import RelayDeflate
import RelayWire

/// The compression of one event loop, shared by all of its connections: a few kilobytes each would be most of what an
/// idle one costs.
///
/// What it needs is allocated when it is first used: an edge whose clients do not compress has none of it.
final class DeflatingCodec {
    private(set) lazy var deflater = MessageDeflater()
    private lazy var inflater = MessageInflater()

    /// The longest message that may be compressed for a client with this agreement. One that is no longer than the
    /// client's window cannot refer to what lies outside of it, whatever the window that it was made with.
    static func messageBytesMax(_ agreement: DeflateAgreement) -> Int {
        agreement.serverWindowBytes >= MessageDeflater.windowBytes ? .max : agreement.serverWindowBytes
    }

    /// Writes a compressed frame, or nothing where that does not pay.
    func writeFrame(_ opcode: FrameOpcode, payload: ByteBuffer, into buffer: inout ByteBuffer) -> Bool {
        guard payload.readableBytes >= MessageDeflater.payloadBytesMin else { return false }
        return deflater.writeFrame(opcode, payload: payload, into: &buffer)
    }

    /// Inflates what a client sent.
    func inflate(_ payload: ByteBuffer, bytesMax: Int) throws(FrameViolation) -> ByteBuffer {
        do throws(InflateError) {
            return try inflater.inflate(payload, bytesMax: bytesMax)
        } catch {
            throw error == .tooLong ? .messageTooLong : .invalidCompression
        }
    }
}
