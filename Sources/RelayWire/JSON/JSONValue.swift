public import NIOCore

/// One JSON value that has been checked, as a place in its text. What it holds is decoded when it is asked for.
///
/// It keeps the storage of the text alive: take out what is needed, and let go.
public struct JSONValue: Sendable {
    let text: ByteBuffer
    let token: JSONToken

    /// What it is.
    public var kind: JSONKind { token.kind }

    /// The value as it stands in the text, quotes and escapes included: valid JSON that can be sent back.
    public var json: ByteBuffer {
        text.getSlice(at: text.readerIndex + Int(token.start), length: Int(token.end - token.start)) ?? ByteBuffer()
    }

    /// The string's text, or nil where it is no string.
    public var string: String? {
        guard let bytes = stringBytes else { return nil }
        return String(buffer: bytes)
    }

    /// The UTF-8 of the string's text, or nil where it is no string. Not copied where the string has no escapes.
    public var stringBytes: ByteBuffer? {
        kind == .string ? JSONString.text(token, in: text) : nil
    }

    /// The integer, or nil where it is none: `1.0` and `1e3` are numbers, not integers, like whatever exceeds 64 bits.
    public var integer: Int64? {
        kind == .integer ? Int64(String(buffer: json)) : nil
    }

    /// The nearest floating point value of an integer or a number, or nil where it is neither or too large for one.
    public var number: Double? {
        guard kind == .integer || kind == .number else { return nil }
        return Double(String(buffer: json)).flatMap { $0.isFinite ? $0 : nil }
    }

    /// The truth value, or nil where it is none.
    public var bool: Bool? {
        kind == .bool ? token.end - token.start == 4 : nil
    }

    /// Whether it is `null`.
    public var isNull: Bool { kind == .null }

    /// The object, or nil where it is none.
    public var object: JSONObject? {
        guard kind == .object else { return nil }
        // The text was checked for depth as a whole; its parts cannot be deeper.
        return try? JSONReader.object(from: json, depthMax: .max)
    }

    /// The array's elements in order, or nil where it is no array.
    public var elements: [JSONValue]? {
        guard kind == .array else { return nil }
        let text = json
        var scanner = JSONScanner(text, depthMax: .max)
        let tokens = try? scanner.elements(text.readableBytesSpan)
        return tokens?.map { JSONValue(text: text, token: $0) }
    }
}
