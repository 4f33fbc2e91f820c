public import NIOCore

/// Turns the bytes of one WebSocket into whole messages and control frames, to the letter of RFC 6455.
///
/// Feed it with `append(_:)` whatever was read, then call `next()` until it returns nil. It parses frames, unmasks,
/// checks UTF-8 and reassembles fragments. After a close frame or a violation it decodes nothing more and drops its
/// input. Where `permessage-deflate` was agreed, whoever calls `next(inflating:)` brings the inflater: it serves many
/// connections, since no message refers to an earlier one.
///
/// Promises:
/// - Limits are checked on the header. What is held is bounded by `messageBytesMax` (for a compressed message a little
///   more) and one control frame, and grows with the bytes received, never with a length that was only announced.
/// - A violation is reported when the byte that makes it arrives, even in the middle of a frame. (Only the payload of a
///   control frame, 125 bytes, is looked at as a whole.)
/// - Idle, it holds no storage: the struct is all there is.
///
/// A whole unfragmented frame is handed out as a slice of what was appended and unmasked in place where nobody else
/// holds that storage: the last frame of a buffer that the caller has given away. Else the slice, not the buffer, is
/// copied by its first change: exactly the payload's bytes, once.
public struct FrameDecoder: Sendable {
    /// The frame whose payload is arriving.
    private struct Frame {
        var payloadBytesMissing: Int
        var maskingKey: MaskingKey?
        var isFinal: Bool
    }

    private enum MessageKind: UInt8 {
        case text
        case binary
    }

    /// Received and not yet decoded: between calls only a cut header or a cut control frame.
    private var input = ByteBuffer()
    /// The payload of the message under way, as far as it has come.
    private var message = ByteBuffer()
    private let messageBytesMax: Int
    private var frame: Frame?
    private var validator = UTF8Validator()
    private var messageKind: MessageKind?
    private let role: FrameRole
    private let acceptsCompression: Bool
    private var isCompressed = false
    private var isFinished = false

    /// A decoder at the start of a connection, after the upgrade.
    ///
    /// - Parameters:
    ///   - role: which end this is.
    ///   - messageBytesMax: the most bytes of a message, all fragments together, inflated; beyond it, violation 1009.
    ///   - acceptsCompression: whether `permessage-deflate` was agreed.
    public init(role: FrameRole, messageBytesMax: Int, acceptsCompression: Bool = false) {
        self.role = role
        self.messageBytesMax = messageBytesMax
        self.acceptsCompression = acceptsCompression
    }

    /// Inflates the payload of a message to at most so many bytes; what it throws ends the connection.
    public typealias Inflating = (_ payload: ByteBuffer, _ bytesMax: Int) throws(FrameViolation) -> ByteBuffer

    /// Whether a close frame or a violation has ended the decoding.
    public var isDone: Bool { isFinished }

    /// The bytes held for a frame or a message that has not ended. Zero when idle.
    public var heldBytes: Int { input.readableBytes + message.readableBytes }

    /// Takes over all readable bytes of `buffer` and leaves it empty, without copying them in the common case.
    public mutating func append(_ buffer: inout ByteBuffer) {
        defer { buffer = ByteBuffer() }
        if isFinished { return }
        if input.readableBytes == 0 {
            swap(&input, &buffer)
        } else {
            input.writeBuffer(&buffer)
        }
    }

    /// The next event of a connection without compression, or nil where more bytes are needed for one.
    public mutating func next() -> FrameEvent? {
        next { (_, _) throws(FrameViolation) in throw .reservedBits }
    }

    /// The next event, or nil where more bytes are needed for one.
    ///
    /// - Parameter inflate: called with each compressed message, once it is whole.
    public mutating func next(inflating inflate: Inflating) -> FrameEvent? {
        while !isFinished {
            if frame != nil {
                if let event = continueFrame(inflate) { return event }
                if frame != nil { break }
                continue
            }
            switch parseHeader() {
            case .incomplete:
                trimInput()
                return nil
            case .violation(let violation):
                return fail(violation)
            case .header(let header):
                if header.opcode.isControl {
                    guard input.readableBytes >= header.headerBytes + header.payloadBytes else {
                        trimInput()
                        return nil
                    }
                    return control(header)
                }
                if let event = begin(header, inflate) { return event }
            }
        }
        input = ByteBuffer()
        return nil
    }

    private func parseHeader() -> FrameHeader.Parsed {
        FrameHeader.parse(
            input.readableBytesSpan,
            in: FrameHeader.Context(
                role: role, isMessageUnderWay: messageKind != nil,
                payloadBytesMax: (isCompressed ? compressedBytesMax : messageBytesMax) - message.readableBytes,
                compressedBytesMax: acceptsCompression ? compressedBytesMax : nil))
    }

    /// What cannot be compressed grows a little: stored blocks, as small as some encoders make them, cost one byte in
    /// a hundred.
    private var compressedBytesMax: Int { messageBytesMax + messageBytesMax / 64 + 64 }

    /// A data frame's header has come: either the whole message lies here, or the frame is taken piece by piece.
    private mutating func begin(_ header: FrameHeader, _ inflate: Inflating) -> FrameEvent? {
        input.moveReaderIndex(forwardBy: header.headerBytes)
        if header.opcode != .continuation {
            messageKind = header.opcode == .text ? .text : .binary
            isCompressed = header.isCompressed
        }
        guard header.isFinal, header.opcode != .continuation, input.readableBytes >= header.payloadBytes else {
            frame = Frame(
                payloadBytesMissing: header.payloadBytes, maskingKey: header.maskingKey, isFinal: header.isFinal)
            return nil
        }
        var payload = takePayload(header.payloadBytes)
        var key = header.maskingKey
        let isASCII = Self.unmask(&payload, from: 0, with: &key)
        guard isValid(payload, from: 0, isASCII: isASCII), validator.isAtBoundary else { return fail(.invalidUTF8) }
        return endMessage(with: payload, inflate)
    }

    /// Moves what has come of the frame's payload to the message.
    private mutating func continueFrame(_ inflate: Inflating) -> FrameEvent? {
        guard var frame else { return nil }
        let start = message.readableBytes
        var part = takePayload(min(frame.payloadBytesMissing, input.readableBytes))
        frame.payloadBytesMissing -= message.writeBuffer(&part)
        let isASCII = Self.unmask(&message, from: start, with: &frame.maskingKey)
        guard isValid(message, from: start, isASCII: isASCII) else { return fail(.invalidUTF8) }
        if frame.payloadBytesMissing > 0 {
            self.frame = frame
            return nil
        }
        self.frame = nil
        guard frame.isFinal else { return nil }
        guard validator.isAtBoundary else { return fail(.invalidUTF8) }
        let whole = message
        message = ByteBuffer()
        return endMessage(with: whole, inflate)
    }

    private mutating func endMessage(with payload: ByteBuffer, _ inflate: Inflating) -> FrameEvent {
        let isText = messageKind == .text
        messageKind = nil
        guard isCompressed else { return isText ? .text(payload) : .binary(payload) }
        isCompressed = false
        do throws(FrameViolation) {
            let inflated = try inflate(payload, messageBytesMax)
            guard isText else { return .binary(inflated) }
            return UTF8Validator.isValid(inflated.readableBytesSpan) ? .text(inflated) : fail(.invalidUTF8)
        } catch {
            return fail(error)
        }
    }

    private mutating func control(_ header: FrameHeader) -> FrameEvent {
        input.moveReaderIndex(forwardBy: header.headerBytes)
        var payload = takePayload(header.payloadBytes)
        var key = header.maskingKey
        Self.unmask(&payload, from: 0, with: &key)
        switch header.opcode {
        case .ping: return .ping(payload)
        case .pong: return .pong(payload)
        default: break
        }
        if payload.readableBytes == 1 { return fail(.truncatedCloseCode) }
        let code = payload.readInteger(as: UInt16.self)
        if let code, !CloseCode.mayBeSent(code) { return fail(.invalidCloseCode) }
        if !UTF8Validator.isValid(payload.readableBytesSpan) { return fail(.invalidUTF8) }
        finish()
        return .close(code: code, reason: payload)
    }

    /// Unmasks the readable bytes from `start` on, where they lie unless somebody else holds them too.
    ///
    /// - Returns: whether they are known to be ASCII.
    @discardableResult
    private static func unmask(_ payload: inout ByteBuffer, from start: Int, with key: inout MaskingKey?) -> Bool {
        let count = payload.readableBytes - start
        guard count > 0, var applied = key else { return false }
        var bytes = payload.mutableReadableBytesSpan
        let isASCII = applied.apply(to: &bytes, from: start, count: count)
        key = applied
        return isASCII
    }

    /// Whether the message can still be valid after the unmasked bytes from `start` on. What is compressed is looked at
    /// when it is inflated.
    private mutating func isValid(_ payload: ByteBuffer, from start: Int, isASCII: Bool) -> Bool {
        guard messageKind == .text, !isCompressed, !(isASCII && validator.isAtBoundary) else { return true }
        return validator.firstInvalidOffset(in: payload.readableBytesSpan.extracting(droppingFirst: start)) == nil
    }

    private mutating func takePayload(_ count: Int) -> ByteBuffer {
        guard count > 0, let payload = input.readSlice(length: count) else { return ByteBuffer() }
        if input.readableBytes == 0 { input = ByteBuffer() }
        return payload
    }

    /// A cut header or control frame may wait for long, and must not keep a large read buffer alive meanwhile.
    private mutating func trimInput() {
        if input.readableBytes == 0 {
            input = ByteBuffer()
        } else if input.storageCapacity > 256 {
            input = ByteBuffer(bytes: input.readableBytesView)
        }
    }

    private mutating func fail(_ violation: FrameViolation) -> FrameEvent {
        finish()
        return .violation(violation)
    }

    private mutating func finish() {
        isFinished = true
        frame = nil
        messageKind = nil
        input = ByteBuffer()
        message = ByteBuffer()
    }
}

/// The rules of RFC 6455 7.4 for the codes of close frames.
public enum CloseCode {
    /// Whether a peer may send this code.
    ///
    /// It may send what is registered for the wire (1000–1003, 1007–1014) and what is left to libraries and
    /// applications (3000–4999); not what only stands for the lack of a code (1005, 1006, 1015), nor what is reserved.
    public static func mayBeSent(_ code: UInt16) -> Bool {
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}
