/// Reads the tokens of a JSON text that have no parts: strings, numbers, literals, punctuation.
struct JSONCursor {
    /// The next byte to read.
    var offset = 0
    /// Where the first half of a surrogate pair without the other half was met.
    private(set) var loneSurrogateOffset: Int?

    /// Reads a string, from its first quote on.
    mutating func string(_ bytes: RawSpan) throws(JSONError) -> JSONToken {
        let start = offset
        var hasEscapes = false
        offset += 1
        while true {
            offset = JSONByteScan.endOfPlainRun(in: bytes, from: offset)
            switch peek(bytes) {
            case UInt8(ascii: "\""):
                offset += 1
                var token = token(.string, from: start)
                token.hasEscapes = hasEscapes
                return token
            case UInt8(ascii: "\\"):
                hasEscapes = true
                try escape(bytes)
            default:
                throw .notJSON(offset: offset)
            }
        }
    }

    private mutating func escape(_ bytes: RawSpan) throws(JSONError) {
        let start = offset
        offset += 1
        switch peek(bytes) {
        case UInt8(ascii: "u"):
            let unit = try codeUnit(bytes)
            guard unit & 0xF800 == 0xD800 else { return }
            let isHigh = unit & 0x0400 == 0
            let afterFirst = offset
            if isHigh, peek(bytes) == UInt8(ascii: "\\") {
                offset += 1
                if peek(bytes) == UInt8(ascii: "u"), try codeUnit(bytes) & 0xFC00 == 0xDC00 { return }
                // The second escape is no low surrogate; it is read again as what it is.
                offset = afterFirst
            }
            if loneSurrogateOffset == nil { loneSurrogateOffset = start }
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            offset += 1
        default:
            throw .notJSON(offset: offset)
        }
    }

    /// Reads `uXXXX`.
    private mutating func codeUnit(_ bytes: RawSpan) throws(JSONError) -> UInt16 {
        offset += 1
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let digit = peek(bytes).flatMap(JSONString.hexadecimalValue) else { throw .notJSON(offset: offset) }
            unit = unit << 4 | UInt16(digit)
            offset += 1
        }
        return unit
    }

    /// Reads a number, whose first byte is not known to be one.
    mutating func number(_ bytes: RawSpan) throws(JSONError) -> JSONKind {
        let isNegative = peek(bytes) == UInt8(ascii: "-")
        if isNegative { offset += 1 }
        // Counted below zero, where there is one more number than above it.
        var negated: Int64 = 0
        var isInteger = true
        let firstDigit = offset
        while let digit = digit(bytes) {
            let (product, overflowed) = negated.multipliedReportingOverflow(by: 10)
            let (difference, underflowed) = product.subtractingReportingOverflow(Int64(digit))
            if overflowed || underflowed { isInteger = false }
            negated = isInteger ? difference : 0
            offset += 1
        }
        guard offset > firstDigit else { throw .notJSON(offset: offset) }
        if offset - firstDigit > 1, bytes.byte(at: firstDigit) == UInt8(ascii: "0") {
            throw .notJSON(offset: firstDigit + 1)
        }
        if !isNegative, negated == .min { isInteger = false }
        if peek(bytes) == UInt8(ascii: ".") {
            offset += 1
            isInteger = false
            try digits(bytes)
        }
        if let mark = peek(bytes), mark | 0x20 == UInt8(ascii: "e") {
            offset += 1
            isInteger = false
            if let sign = peek(bytes), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { offset += 1 }
            try digits(bytes)
        }
        return isInteger ? .integer : .number
    }

    /// One digit or more.
    private mutating func digits(_ bytes: RawSpan) throws(JSONError) {
        guard digit(bytes) != nil else { throw .notJSON(offset: offset) }
        while digit(bytes) != nil { offset += 1 }
    }

    private func digit(_ bytes: RawSpan) -> UInt8? {
        guard let byte = peek(bytes), byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
        return byte - UInt8(ascii: "0")
    }

    /// Reads `true`, `false` or `null`.
    mutating func literal(_ word: String, _ bytes: RawSpan) throws(JSONError) {
        for byte in word.utf8 {
            guard peek(bytes) == byte else { throw .notJSON(offset: offset) }
            offset += 1
        }
    }

    /// Reads this byte.
    mutating func expect(_ byte: UInt8, _ bytes: RawSpan) throws(JSONError) {
        guard peek(bytes) == byte else { throw .notJSON(offset: offset) }
        offset += 1
    }

    /// The next byte, or nil at the end.
    func peek(_ bytes: RawSpan) -> UInt8? {
        offset < bytes.byteCount ? bytes.byte(at: offset) : nil
    }

    /// Reads white space, if there is any.
    mutating func skipSpace(_ bytes: RawSpan) {
        while offset < bytes.byteCount {
            switch bytes.byte(at: offset) {
            case 0x20, 0x09, 0x0A, 0x0D: offset += 1
            default: return
            }
        }
    }

    /// A token from `start` to here.
    func token(_ kind: JSONKind, from start: Int) -> JSONToken {
        JSONToken(start: UInt32(start), end: UInt32(offset), kind: kind)
    }
}
