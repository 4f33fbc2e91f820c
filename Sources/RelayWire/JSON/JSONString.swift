import NIOCore

/// The text of JSON strings.
enum JSONString {
    /// The text of a string token, escapes resolved: UTF-8. Without escapes it is a slice of `buffer`.
    ///
    /// Half a surrogate pair becomes U+FFFD; a scanned text that has one is refused before anybody sees this.
    static func text(_ token: JSONToken, in buffer: ByteBuffer) -> ByteBuffer {
        let length = Int(token.end - token.start) - 2
        guard let quoted = buffer.getSlice(at: buffer.readerIndex + Int(token.start) + 1, length: length) else {
            return ByteBuffer()
        }
        return token.hasEscapes ? unescaped(quoted) : quoted
    }

    private static func unescaped(_ quoted: ByteBuffer) -> ByteBuffer {
        let bytes = quoted.readableBytesSpan
        var result = ByteBuffer()
        // No escape is shorter than what it stands for.
        result.reserveCapacity(bytes.byteCount)
        var offset = 0
        while offset < bytes.byteCount {
            let end = JSONByteScan.endOfPlainRun(in: bytes, from: offset)
            result.writeBytes(bytes.extracting(offset..<end))
            guard end + 1 < bytes.byteCount else { break }
            let mark = bytes.byte(at: end + 1)
            offset = end + 2
            switch mark {
            case UInt8(ascii: "b"): result.writeInteger(0x08 as UInt8)
            case UInt8(ascii: "f"): result.writeInteger(0x0C as UInt8)
            case UInt8(ascii: "n"): result.writeInteger(0x0A as UInt8)
            case UInt8(ascii: "r"): result.writeInteger(0x0D as UInt8)
            case UInt8(ascii: "t"): result.writeInteger(0x09 as UInt8)
            case UInt8(ascii: "u"): writeScalar(readScalar(bytes, at: &offset), into: &result)
            default: result.writeInteger(mark)
            }
        }
        return result
    }

    /// Reads the digits of a `\u` escape, and the escape after it where the two are a surrogate pair.
    private static func readScalar(_ bytes: RawSpan, at offset: inout Int) -> Unicode.Scalar {
        let unit = codeUnit(bytes, at: offset)
        offset += 4
        if let scalar = Unicode.Scalar(unit) { return scalar }
        let isPaired = unit & 0xFC00 == 0xD800 && hasEscape(bytes, at: offset)
        let low = isPaired ? codeUnit(bytes, at: offset + 2) : 0
        guard low & 0xFC00 == 0xDC00 else { return "\u{FFFD}" }
        offset += 6
        return Unicode.Scalar(0x10000 + ((unit & 0x3FF) << 10 | (low & 0x3FF))) ?? "\u{FFFD}"
    }

    private static func hasEscape(_ bytes: RawSpan, at offset: Int) -> Bool {
        offset + 1 < bytes.byteCount && bytes.byte(at: offset) == UInt8(ascii: "\\")
            && bytes.byte(at: offset + 1) == UInt8(ascii: "u")
    }

    /// Four hexadecimal digits; 0 where there are none.
    private static func codeUnit(_ bytes: RawSpan, at offset: Int) -> UInt32 {
        guard offset + 4 <= bytes.byteCount else { return 0 }
        var unit: UInt32 = 0
        for index in offset..<(offset + 4) {
            guard let digit = hexadecimalValue(bytes.byte(at: index)) else { return 0 }
            unit = unit << 4 | UInt32(digit)
        }
        return unit
    }

    private static func writeScalar(_ scalar: Unicode.Scalar, into buffer: inout ByteBuffer) {
        for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter { buffer.writeInteger(byte) }
    }

    /// The value of a hexadecimal digit of either case, nil for any other byte.
    static func hexadecimalValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
