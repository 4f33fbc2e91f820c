internal import CZlib
public import NIOCore

/// Why a compressed message cannot be inflated.
public enum InflateError: Error, Sendable, Equatable {
    /// It is no DEFLATE data, or ends within it.
    case invalidData
    /// It would be larger than is allowed.
    case tooLong
}

/// Inflates the messages of `permessage-deflate` without context takeover, one by one.
///
/// One serves any number of connections, since each message begins anew; it holds some 40 KB. Not for several threads
/// at once. A failure leaves nothing behind: the next message may be anybody's.
@safe public final class MessageInflater {
    // Lives exactly as long as this object and never moves, which zlib relies on; nobody else knows it.
    private let stream: UnsafeMutablePointer<z_stream>

    /// An inflater for windows of up to 32 KiB.
    public init() {
        // Made here, ended and freed in deinit.
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        let status = unsafe inflateInit2_(stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        precondition(status == Z_OK, "zlib could not allocate an inflater")
    }

    deinit {
        // Made in init, freed only here.
        unsafe inflateEnd(stream)
        unsafe stream.deinitialize(count: 1)
        unsafe stream.deallocate()
    }

    /// Inflates one message.
    ///
    /// - Parameters:
    ///   - payload: the payloads of its frames, without the four bytes that RFC 7692 7.2.1 takes off. An empty one is
    ///     taken for an empty message, as some peers send it.
    ///   - bytesMax: the most bytes of the message. Memory grows with what has come out, and never beyond twice this.
    /// - Returns: the message.
    /// - Throws: `invalidData`, also where the data end within a block; `tooLong` as soon as one byte more comes out.
    public func inflate(_ payload: ByteBuffer, bytesMax: Int) throws(InflateError) -> ByteBuffer {
        guard payload.readableBytes > 0 else { return ByteBuffer() }
        unsafe inflateReset(stream)
        var message = ByteBuffer()
        if try feed(payload, into: &message, bytesMax: bytesMax, flush: Z_NO_FLUSH) { return message }
        // RFC 7692 7.2.2: what the sender took off is put back. Stopping at the end of each block tells whether the
        // data end there.
        let end = ByteBuffer(bytes: [0, 0, 0xFF, 0xFF])
        if try feed(end, into: &message, bytesMax: bytesMax, flush: Z_BLOCK) { return message }
        // Bit 7: behind the end of a block; the low bits: bits of the last byte that are left.
        guard unsafe stream.pointee.data_type & 0x87 == 0x80 else { throw .invalidData }
        return message
    }

    /// Inflates all of the input.
    ///
    /// - Returns: whether the stream ended, by a block that says it is the last, with the last byte of the input.
    private func feed(
        _ input: ByteBuffer, into message: inout ByteBuffer, bytesMax: Int, flush: Int32
    ) throws(InflateError) -> Bool {
        var input = input
        while true {
            // Room for one byte too many tells a message that is too long from one that just is not.
            let room = bytesMax + 1 - message.readableBytes
            let step = min(room, max(256, input.readableBytes * 4, message.readableBytes))
            let (status, isFull) = inflateStep(&input, into: &message, bytesMax: step, flush: flush)
            guard message.readableBytes <= bytesMax else { throw .tooLong }
            switch status {
            case Z_STREAM_END:
                if input.readableBytes == 0 { return true }
                // RFC 7692 7.2.3.5: there may be further blocks behind one that says it is the last.
                unsafe inflateReset(stream)
            case Z_OK, Z_BUF_ERROR:
                if input.readableBytes == 0, !isFull { return false }
            default:
                throw .invalidData
            }
        }
    }

    private func inflateStep(
        _ input: inout ByteBuffer, into message: inout ByteBuffer, bytesMax: Int, flush: Int32
    ) -> (status: Int32, isFull: Bool) {
        var status = Z_OK
        var unread = 0
        // zlib only reads through the first pointer, whatever its type says, and writes within the bounds given. It
        // keeps copies of both in the stream, but looks at them in a call only.
        let written = unsafe message.writeWithUnsafeMutableBytes(minimumWritableBytes: bytesMax) { output in
            let count = min(output.count, bytesMax)
            unsafe input.withUnsafeReadableBytes { bytes in
                let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
                unsafe stream.pointee.next_in = unsafe UnsafeMutablePointer(mutating: start)
                unsafe stream.pointee.avail_in = UInt32(clamping: bytes.count)
                unsafe stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
                unsafe stream.pointee.avail_out = UInt32(clamping: count)
                status = unsafe CZlib.inflate(stream, flush)
            }
            // What zlib has left of both, plain numbers.
            unread = unsafe Int(stream.pointee.avail_in)
            return unsafe count - Int(stream.pointee.avail_out)
        }
        input.moveReaderIndex(to: input.writerIndex - unread)
        return (status, written == bytesMax)
    }
}
