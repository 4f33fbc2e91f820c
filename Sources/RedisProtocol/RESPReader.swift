internal import CHiredis
public import NIOCore

/// What came is not RESP2, or breaks a bound of `RedisLimits`; the connection can only be closed.
public struct RESPProtocolError: Error, Sendable, Equatable {
    /// What is wrong, for a log line.
    public let reason: String
}

/// The reply parser of hiredis, fed with bytes cut anywhere.
///
/// hiredis copies what it is fed, hands each element to `RESPBuilder` as it parses it, and never sees a socket. It
/// bounds nothing but the depth, so the bytes of a reply are counted here before it gets them and the elements are
/// counted in the builder. After the first error the reader stays broken.
@safe public final class RESPReader {
    private let builder: RESPBuilder
    // Both live exactly as long as this object; hiredis keeps the pointer to the functions.
    private let functions: UnsafeMutablePointer<redisReplyObjectFunctions>
    private let reader: UnsafeMutablePointer<redisReader>
    private let replyBytesMax: Int

    private var pending = ByteBuffer()
    private var fedBytes = 0
    private var replyStart = 0
    private var failure: RESPProtocolError?

    /// A reader at the beginning of a connection, with the bounds of one reply.
    public init(
        replyBytesMax: Int = RedisLimits.replyBytesMax, replyElementsMax: Int = RedisLimits.replyElementsMax
    ) {
        self.replyBytesMax = replyBytesMax
        builder = RESPBuilder(elementsMax: replyElementsMax)
        // Both are made here, freed in deinit, and known to nobody else; the builder outlives them as a member.
        unsafe functions = .allocate(capacity: 1)
        unsafe functions.initialize(to: RESPBuilder.callbacks)
        guard let reader = unsafe redisReaderCreateWithFunctions(functions) else {
            preconditionFailure("hiredis could not allocate a reader")
        }
        // As above.
        unsafe self.reader = reader
        unsafe reader.pointee.privdata = unsafe Unmanaged.passUnretained(builder).toOpaque()
        unsafe reader.pointee.maxbuf = RedisLimits.readerIdleBytesMax
    }

    deinit {
        // Made in init, freed only here; the reader first, since it refers to the functions.
        unsafe redisReaderFree(reader)
        unsafe functions.deinitialize(count: 1)
        unsafe functions.deallocate()
    }

    /// Takes the next bytes of the connection. Nothing is parsed until `next()`.
    public func feed(_ buffer: ByteBuffer) {
        if pending.readableBytes == 0 {
            pending = buffer
        } else {
            pending.writeImmutableBuffer(buffer)
        }
    }

    /// The next whole reply, or nil where more bytes are needed first.
    ///
    /// - Parameter isTaped: whether that reply, where it is an array, is to be a tape; the same until it is whole.
    public func next(isTaped: Bool = false) throws(RESPProtocolError) -> RESPValue? {
        if let failure { throw failure }
        builder.isTaping = isTaped
        while true {
            // `object` is the builder's own address or nil: it only says whether a reply is whole.
            var object: UnsafeMutableRawPointer?
            guard unsafe redisReaderGetReply(reader, &object) == REDIS_OK else { throw broken(hiredisReason()) }
            if unsafe object != nil {
                replyStart = unsafe fedBytes - (reader.pointee.len - reader.pointee.pos)
                guard let reply = builder.take() else { throw broken("a reply without a value") }
                return reply
            }
            guard pending.readableBytes > 0 else { return nil }
            try feedSlice()
        }
    }

    private func feedSlice() throws(RESPProtocolError) {
        let count = min(pending.readableBytes, RedisLimits.readerSliceBytes)
        // What is fed and unfinished belongs to one reply; what comes next may hold many, so it is not counted yet.
        guard fedBytes - replyStart <= replyBytesMax else {
            throw broken("a reply of more than \(replyBytesMax) bytes")
        }
        // hiredis copies the bytes before it returns.
        let status = unsafe pending.withUnsafeReadableBytes { bytes in
            unsafe redisReaderFeed(reader, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), count)
        }
        guard status == REDIS_OK else { throw broken(hiredisReason()) }
        pending.moveReaderIndex(forwardBy: count)
        fedBytes += count
    }

    private func hiredisReason() -> String {
        if builder.refusedElements { return "a reply of too many elements" }
        // `errstr` is an array of 128 characters in C, always ended with a NUL.
        return unsafe withUnsafePointer(to: &reader.pointee.errstr) { tuple in
            unsafe tuple.withMemoryRebound(to: CChar.self, capacity: 128) { unsafe String(cString: $0) }
        }
    }

    private func broken(_ reason: String) -> RESPProtocolError {
        let error = RESPProtocolError(reason: reason)
        failure = error
        pending = ByteBuffer()
        return error
    }
}
