public import NIOCore

/// JSON's scalars, written so that the same value is the same bytes everywhere.
///
/// In strings control characters are escaped as `\b \t \n \f \r` or `\u00xx` in lower case, and `"` and `\` with a
/// backslash; all else stands as it is, also `/`, U+007F and whatever is not ASCII.
extension ByteBuffer {
    /// Writes a quoted JSON string of this text.
    public mutating func writeJSONString(_ text: String) {
        // Bytes have no padding that could be read uninitialised.
        unsafe writeJSONString(utf8: text.utf8Span.span.bytes)
    }

    /// Writes a quoted JSON string of these readable bytes, which must be valid UTF-8.
    public mutating func writeJSONString(_ text: ByteBuffer) {
        writeJSONString(utf8: text.readableBytesSpan)
    }

    /// Writes a quoted JSON string of these bytes, which must be valid UTF-8.
    public mutating func writeJSONString(_ text: [UInt8]) {
        // Bytes have no padding that could be read uninitialised.
        unsafe writeJSONString(utf8: text.span.bytes)
    }

    /// Writes a quoted JSON string of these bytes, which must be valid UTF-8.
    public mutating func writeJSONString(utf8 bytes: RawSpan) {
        if JSONByteScan.endOfPlainRun(in: bytes, from: 0) == bytes.byteCount {
            return writeWithOutputRawSpan(minimumWritableBytes: bytes.byteCount + 2) { span in
                span.append(UInt8(ascii: "\""))
                span.append(bytes: bytes)
                span.append(UInt8(ascii: "\""))
            }
        }
        reserveCapacity(minimumWritableBytes: bytes.byteCount + 2)
        writeInteger(UInt8(ascii: "\""))
        var offset = 0
        while true {
            let end = JSONByteScan.endOfPlainRun(in: bytes, from: offset)
            if end > offset { writeBytes(bytes.extracting(offset..<end)) }
            if end == bytes.byteCount { break }
            writeJSONEscape(bytes.byte(at: end))
            offset = end + 1
        }
        writeInteger(UInt8(ascii: "\""))
    }

    /// Writes a decimal integer, without a string in between.
    public mutating func writeJSONInteger(_ value: Int64) {
        if value < 0 { writeInteger(UInt8(ascii: "-")) }
        writeJSONInteger(value.magnitude)
    }

    /// Writes a decimal integer, without a string in between.
    public mutating func writeJSONInteger(_ value: UInt64) {
        writeWithOutputRawSpan(minimumWritableBytes: 20) { $0.append(decimal: value) }
    }

    /// Writes `true` or `false`.
    public mutating func writeJSONBool(_ value: Bool) {
        writeStaticString(value ? "true" : "false")
    }

    /// Writes `null`.
    public mutating func writeJSONNull() {
        writeStaticString("null")
    }

    private mutating func writeJSONEscape(_ byte: UInt8) {
        switch byte {
        case 0x08: writeStaticString("\\b")
        case 0x09: writeStaticString("\\t")
        case 0x0A: writeStaticString("\\n")
        case 0x0C: writeStaticString("\\f")
        case 0x0D: writeStaticString("\\r")
        case UInt8(ascii: "\""): writeStaticString("\\\"")
        case UInt8(ascii: "\\"): writeStaticString("\\\\")
        default:
            let low = byte & 0x0F
            writeStaticString(byte < 0x10 ? "\\u000" : "\\u001")
            writeInteger(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
        }
    }
}
