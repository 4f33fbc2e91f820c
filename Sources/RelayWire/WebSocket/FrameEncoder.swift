public import NIOCore

/// Writes WebSocket frames.
///
/// A server's frames are unmasked: leave `maskingKey` out. A client must mask each frame with a key that its peer
/// cannot foresee; it comes from the caller, for there is no randomness in here.
public enum FrameEncoder {
    /// The most bytes a control frame's payload may have.
    public static let controlPayloadBytesMax = 125

    /// How many bytes a frame takes, header included.
    public static func encodedLength(payloadBytes: Int, isMasked: Bool = false) -> Int {
        let lengthBytes = payloadBytes < 126 ? 0 : payloadBytes <= 0xFFFF ? 2 : 8
        return 2 + lengthBytes + (isMasked ? 4 : 0) + payloadBytes
    }

    /// Writes one frame.
    ///
    /// - Parameters:
    ///   - opcode: what it is. A control frame must be final and carry at most `controlPayloadBytesMax`.
    ///   - payload: its readable bytes are the payload; a text must be UTF-8.
    ///   - isFinal: whether the message ends with this frame.
    ///   - maskingKey: for clients; the highest byte is the first on the wire.
    ///   - buffer: where to append.
    public static func write(
        _ opcode: FrameOpcode, payload: ByteBuffer, isFinal: Bool = true, maskingKey: UInt32? = nil,
        into buffer: inout ByteBuffer
    ) {
        let payloadBytes = payload.readableBytes
        precondition(!opcode.isControl || (isFinal && payloadBytes <= controlPayloadBytesMax))
        buffer.reserveCapacity(
            minimumWritableBytes: encodedLength(payloadBytes: payloadBytes, isMasked: maskingKey != nil))
        writeHeader(opcode, payloadBytes: payloadBytes, isFinal: isFinal, maskingKey: maskingKey, into: &buffer)
        buffer.writeImmutableBuffer(payload)
        if let maskingKey {
            var key = MaskingKey(maskingKey)
            var bytes = buffer.mutableReadableBytesSpan
            key.apply(to: &bytes, from: bytes.byteCount - payloadBytes, count: payloadBytes)
        }
    }

    /// Writes several unmasked text frames, one message each, one after another; space is reserved once.
    public static func writeTexts(_ payloads: some Collection<ByteBuffer>, into buffer: inout ByteBuffer) {
        var bytesTotal = 0
        for payload in payloads { bytesTotal += encodedLength(payloadBytes: payload.readableBytes) }
        buffer.reserveCapacity(minimumWritableBytes: bytesTotal)
        for payload in payloads {
            writeHeader(.text, payloadBytes: payload.readableBytes, isFinal: true, maskingKey: nil, into: &buffer)
            buffer.writeImmutableBuffer(payload)
        }
    }

    /// Writes a close frame.
    ///
    /// - Parameters:
    ///   - code: one that `CloseCode.mayBeSent`, or nil for a close frame without a payload.
    ///   - reason: why, for people; cut at a character's end where it exceeds 123 bytes. Not sent without a code.
    ///   - maskingKey: for clients.
    ///   - buffer: where to append.
    public static func writeClose(
        code: UInt16?, reason: String = "", maskingKey: UInt32? = nil, into buffer: inout ByteBuffer
    ) {
        var payload = ByteBuffer()
        if let code {
            payload.writeInteger(code)
            var room = controlPayloadBytesMax - 2
            for scalar in reason.unicodeScalars {
                let bytes = UTF8.encode(scalar)
                room -= bytes?.count ?? 0
                if room < 0 { break }
                if let bytes { payload.writeBytes(bytes) }
            }
        }
        write(.close, payload: payload, maskingKey: maskingKey, into: &buffer)
    }

    /// Writes a frame's header alone, for a payload that follows by other means.
    ///
    /// With a key the payload that follows must have been masked with it. A compressed one, by `permessage-deflate`,
    /// may only follow where that was agreed, and only on the first frame of a text or binary message.
    public static func writeHeader(
        _ opcode: FrameOpcode, payloadBytes: Int, isFinal: Bool = true, isCompressed: Bool = false,
        maskingKey: UInt32? = nil, into buffer: inout ByteBuffer
    ) {
        let first = opcode.rawValue | (isFinal ? 0x80 : 0) | (isCompressed ? 0x40 : 0)
        let maskBit: UInt8 = maskingKey == nil ? 0 : 0x80
        switch payloadBytes {
        case ..<126:
            buffer.writeMultipleIntegers(first, maskBit | UInt8(truncatingIfNeeded: payloadBytes))
        case ...0xFFFF:
            buffer.writeMultipleIntegers(first, maskBit | 126, UInt16(truncatingIfNeeded: payloadBytes))
        default:
            buffer.writeMultipleIntegers(first, maskBit | 127, UInt64(payloadBytes))
        }
        if let maskingKey { buffer.writeInteger(maskingKey) }
    }
}
