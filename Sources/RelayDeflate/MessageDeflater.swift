internal import CZlib
public import NIOCore
public import RelayWire

/// Compresses messages for `permessage-deflate` without context takeover, one by one.
///
/// One serves any number of connections, since each message begins anew; it holds some 50 KB. Not for several threads
/// at once.
///
/// The quickest level and a small window and hash: a chat envelope of 167, 266 or 464 bytes becomes one of 121, 178 or
/// 254 in 3.8, 4.7 or 5.3 µs, about what one `send` costs. Level 6 takes a byte or two off that, in 1 µs more; zlib's
/// usual window and hash cost 0.6 µs a message to be cleared. (zlib 1.2.13; fifty envelopes, 10 506 bytes, become 2 110
/// in 23 µs; with level 6 and the large window 1 968 in 74.)
@safe public final class MessageDeflater {
    /// How far back its references reach at most: a receiver with a smaller window can only read messages that are no
    /// longer than that window.
    public static let windowBytes = 1 << windowBits
    /// Shorter payloads are not worth the work: what they lose is less than what a packet costs.
    public static let payloadBytesMin = 128

    private static let windowBits: Int32 = 13
    private static let level: Int32 = 1
    private static let memoryLevel: Int32 = 5
    /// The scratch space that stays allocated between messages.
    private static let scratchBytesMax = 64 * 1024

    // Lives exactly as long as this object and never moves, which zlib relies on; nobody else knows it.
    private let stream: UnsafeMutablePointer<z_stream>
    private var scratch = ByteBuffer()

    /// A deflater that is ready.
    public init() {
        // Made here, ended and freed in deinit.
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        let status = unsafe deflateInit2_(
            stream, Self.level, Z_DEFLATED, -Self.windowBits, Self.memoryLevel, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        precondition(status == Z_OK, "zlib could not allocate a deflater")
    }

    deinit {
        // Made in init, freed only here.
        unsafe deflateEnd(stream)
        unsafe stream.deinitialize(count: 1)
        unsafe stream.deallocate()
    }

    /// Writes a message as one compressed, unmasked frame, where that is shorter than the message.
    ///
    /// - Parameters:
    ///   - opcode: `text` or `binary`.
    ///   - payload: the message.
    ///   - buffer: where to append.
    /// - Returns: false where compression gains nothing: then nothing was written.
    public func writeFrame(_ opcode: FrameOpcode, payload: ByteBuffer, into buffer: inout ByteBuffer) -> Bool {
        guard payload.readableBytes >= Self.payloadBytesMin, deflate(payload) else { return false }
        FrameEncoder.writeHeader(opcode, payloadBytes: scratch.readableBytes, isCompressed: true, into: &buffer)
        buffer.writeImmutableBuffer(scratch)
        if scratch.capacity > Self.scratchBytesMax { scratch = ByteBuffer() }
        return true
    }

    /// Leaves the compressed payload in `scratch`; false where it is not shorter.
    private func deflate(_ payload: ByteBuffer) -> Bool {
        guard payload.readableBytes <= Int32.max else { return false }
        unsafe deflateReset(stream)
        scratch.clear()
        // Four bytes of what comes out are taken off again (RFC 7692 7.2.1). Who needs all of this gains nothing.
        let bytesMax = payload.readableBytes + 4
        var isWhole = false
        unsafe scratch.writeWithUnsafeMutableBytes(minimumWritableBytes: bytesMax) { output in
            unsafe payload.withUnsafeReadableBytes { bytes in
                // zlib only reads through the pointer, whatever its type says, and within the bounds given; it keeps
                // copies of both pointers in the stream, but looks at them in a call only.
                let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
                unsafe stream.pointee.next_in = unsafe UnsafeMutablePointer(mutating: start)
                unsafe stream.pointee.avail_in = UInt32(bytes.count)
                unsafe stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
                unsafe stream.pointee.avail_out = UInt32(bytesMax)
                let status = unsafe CZlib.deflate(stream, Z_SYNC_FLUSH)
                isWhole = unsafe status == Z_OK && stream.pointee.avail_in == 0 && stream.pointee.avail_out > 0
            }
            return unsafe bytesMax - Int(stream.pointee.avail_out)
        }
        guard isWhole else { return false }
        scratch.moveWriterIndex(to: scratch.writerIndex - 4)
        return true
    }
}
