public import NIOCore

/// One RESP2 reply.
public enum RESPValue: Sendable, Equatable {
    /// A status line such as `OK`.
    case simpleString(String)
    /// An error reply; inside an array it concerns that element alone.
    case error(RESPError)
    /// A signed 64-bit number.
    case integer(Int)
    /// Bytes of any content and length.
    case bulk(ByteBuffer)
    /// The null bulk string and the null array.
    case null
    /// Values in order, nested at most seven deep.
    case array([RESPValue])
    /// An array, asked for in this form by `RedisCommand.isReplyTaped`.
    case tape(RESPTape)
}

extension RESPValue {
    /// The text of a status line or of a bulk string, invalid UTF-8 repaired; nil for everything else.
    public var string: String? {
        switch self {
        case .simpleString(let text): text
        case .bulk(let buffer): String(buffer: buffer)
        case .error, .integer, .null, .array, .tape: nil
        }
    }

    /// A number, or a bulk string or status line that is one in decimal digits; nil for everything else.
    public var int: Int? {
        switch self {
        case .integer(let number): number
        case .simpleString(let text): Int(text)
        case .bulk(let buffer): Int(String(buffer: buffer))
        case .error, .null, .array, .tape: nil
        }
    }

    /// A bulk string of one to nineteen decimal digits as a number, without a string in between; nil for everything
    /// else.
    public var digits: UInt64? {
        guard case .bulk(let buffer) = self, (1...19).contains(buffer.readableBytes) else { return nil }
        let bytes = buffer.readableBytesSpan
        var number: UInt64 = 0
        for offset in 0..<bytes.byteCount {
            // Any byte is a valid one, and the span checks the bounds.
            let digit = unsafe bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self) &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            number = number * 10 + UInt64(digit)
        }
        return number
    }

    /// The elements of an array; nil for everything else.
    public var array: [RESPValue]? {
        guard case .array(let values) = self else { return nil }
        return values
    }

    /// The bytes of a bulk string without a copy; nil for everything else.
    public var bytes: ByteBuffer? {
        guard case .bulk(let buffer) = self else { return nil }
        return buffer
    }

    /// Whether this is the null bulk string or the null array.
    public var isNull: Bool {
        guard case .null = self else { return false }
        return true
    }

    /// The error of an error reply; nil for everything else.
    public var error: RESPError? {
        guard case .error(let error) = self else { return nil }
        return error
    }
}
