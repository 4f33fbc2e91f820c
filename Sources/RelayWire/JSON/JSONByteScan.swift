/// Finds bytes in JSON strings, eight at a time.
enum JSONByteScan {
    /// The offset of the first byte at or after `start` that cannot stand in a JSON string as it is: a control
    /// character, `"` or `\`. The length where there is none.
    static func endOfPlainRun(in bytes: RawSpan, from start: Int) -> Int {
        let count = bytes.byteCount
        var offset = start
        while count - offset >= 8 {
            let found = markSpecial(bytes.word(at: offset))
            if found != 0 { return offset + found.trailingZeroBitCount / 8 }
            offset += 8
        }
        while offset < count, !isSpecial(bytes.byte(at: offset)) { offset += 1 }
        return offset
    }

    /// Whether a text can stand in a JSON string as it is.
    static func isPlain(_ text: String) -> Bool {
        // Bytes have no padding that could be read uninitialised.
        let bytes = unsafe text.utf8Span.span.bytes
        return endOfPlainRun(in: bytes, from: 0) == bytes.byteCount
    }

    /// Whether a text holds a NUL.
    static func hasNUL(_ text: String) -> Bool {
        // As above.
        let bytes = unsafe text.utf8Span.span.bytes
        let ones: UInt64 = 0x0101_0101_0101_0101
        var offset = 0
        while bytes.byteCount - offset >= 8 {
            let word = bytes.word(at: offset)
            if (word &- ones) & ~word & (ones &* 0x80) != 0 { return true }
            offset += 8
        }
        while offset < bytes.byteCount {
            if bytes.byte(at: offset) == 0 { return true }
            offset += 1
        }
        return false
    }

    private static func isSpecial(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == 0x22 || byte == 0x5C
    }

    /// Sets the high bit of the first special byte, and of no byte before it; bits above it mean nothing, because each
    /// subtraction may borrow from the byte above one that it has marked.
    @inline(__always)
    private static func markSpecial(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quotes = word ^ (ones &* 0x22)
        let backslashes = word ^ (ones &* 0x5C)
        let controls = (word &- ones &* 0x20) & ~word
        let found = controls | ((quotes &- ones) & ~quotes) | ((backslashes &- ones) & ~backslashes)
        return found & (ones &* 0x80)
    }
}
