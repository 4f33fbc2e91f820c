import NIOCore

/// A value in a JSON text: where it lies, quotes and brackets included, and what it is.
struct JSONToken: Sendable, Equatable {
    var start: UInt32
    var end: UInt32
    var kind: JSONKind
    /// For strings: whether there are escapes, so that the bytes between the quotes are not the text itself.
    var hasEscapes = false
}

/// A key and its value in a JSON text.
struct JSONMember: Sendable, Equatable {
    var key: JSONToken
    var value: JSONToken
}

/// Reads one JSON text from front to back, once.
///
/// What is valid JSON and yet refused (duplicate keys, lone surrogates) is remembered and reported only when the whole
/// text turned out to be JSON: what is not JSON is always reported as such.
struct JSONScanner {
    /// The members of the objects that are open, outermost first; at the end those of the outermost object.
    private(set) var members: [JSONMember] = []
    /// The first fault of a text that is otherwise JSON.
    private(set) var deferred: JSONError?
    private var offset = 0
    private let text: ByteBuffer
    private let depthMax: Int

    init(_ text: ByteBuffer, depthMax: Int) {
        self.text = text
        self.depthMax = depthMax
    }

    /// Reads the whole text as one value with white space around it. `bytes` are those of `text`.
    mutating func wholeText(_ bytes: RawSpan) throws(JSONError) -> JSONToken {
        skipSpace(bytes)
        let token = try value(bytes, depth: 0)
        skipSpace(bytes)
        guard offset == bytes.byteCount else { throw .notJSON(offset: offset) }
        return token
    }

    /// The tokens of an array's elements. `bytes` are those of `text`.
    mutating func elements(_ bytes: RawSpan) throws(JSONError) -> [JSONToken] {
        var tokens: [JSONToken] = []
        skipSpace(bytes)
        try expect(0x5B, bytes)
        try list(bytes, closing: 0x5D) { (scanner, bytes) throws(JSONError) in
            tokens.append(try scanner.value(bytes, depth: 1))
        }
        return tokens
    }

    private mutating func value(_ bytes: RawSpan, depth: Int) throws(JSONError) -> JSONToken {
        let start = offset
        guard offset < bytes.byteCount else { throw .notJSON(offset: offset) }
        switch bytes.byte(at: offset) {
        case UInt8(ascii: "\""):
            return try string(bytes)
        case UInt8(ascii: "{"):
            try object(bytes, depth: depth + 1)
            return token(.object, from: start)
        case UInt8(ascii: "["):
            try array(bytes, depth: depth + 1)
            return token(.array, from: start)
        case UInt8(ascii: "t"):
            try literal("true", bytes)
            return token(.bool, from: start)
        case UInt8(ascii: "f"):
            try literal("false", bytes)
            return token(.bool, from: start)
        case UInt8(ascii: "n"):
            try literal("null", bytes)
            return token(.null, from: start)
        default:
            let kind = try number(bytes)
            return token(kind, from: start)
        }
    }

    private mutating func object(_ bytes: RawSpan, depth: Int) throws(JSONError) {
        guard depth <= depthMax else { throw .tooDeep(offset: offset) }
        let first = members.count
        var seen: Set<ByteBuffer>?
        offset += 1
        try list(bytes, closing: UInt8(ascii: "}")) { (scanner, bytes) throws(JSONError) in
            guard scanner.peek(bytes) == UInt8(ascii: "\"") else { throw .notJSON(offset: scanner.offset) }
            let key = try scanner.string(bytes)
            scanner.noteDuplicate(key, amongMembersFrom: first, seen: &seen, bytes)
            scanner.skipSpace(bytes)
            try scanner.expect(UInt8(ascii: ":"), bytes)
            scanner.skipSpace(bytes)
            let value = try scanner.value(bytes, depth: depth)
            scanner.members.append(JSONMember(key: key, value: value))
        }
        if depth > 1 { members.removeLast(members.count - first) }
    }

    private mutating func array(_ bytes: RawSpan, depth: Int) throws(JSONError) {
        guard depth <= depthMax else { throw .tooDeep(offset: offset) }
        let first = members.count
        offset += 1
        try list(bytes, closing: UInt8(ascii: "]")) { (scanner, bytes) throws(JSONError) in
            _ = try scanner.value(bytes, depth: depth)
        }
        members.removeLast(members.count - first)
    }

    /// Reads items with commas between them, and the closing bracket.
    private mutating func list(
        _ bytes: RawSpan, closing: UInt8, item: (inout JSONScanner, RawSpan) throws(JSONError) -> Void
    ) throws(JSONError) {
        skipSpace(bytes)
        if peek(bytes) == closing {
            offset += 1
            return
        }
        while true {
            try item(&self, bytes)
            skipSpace(bytes)
            if peek(bytes) == closing { break }
            try expect(UInt8(ascii: ","), bytes)
            skipSpace(bytes)
        }
        offset += 1
    }

    /// A few keys are compared with each other; many, or escaped ones, go through a set, whose seeded hashes keep the
    /// cost linear whatever the keys are.
    private mutating func noteDuplicate(
        _ key: JSONToken, amongMembersFrom first: Int, seen: inout Set<ByteBuffer>?, _ bytes: RawSpan
    ) {
        if deferred != nil { return }
        if seen == nil {
            let mustHash = key.hasEscapes || members.count - first >= 8
            if !mustHash {
                for member in members[first...] where Self.isEqual(member.key, key, bytes) {
                    deferred = .duplicateKey(offset: Int(key.start))
                    return
                }
                return
            }
            seen = Set(members[first...].map { JSONString.text($0.key, in: text) })
        }
        if seen?.insert(JSONString.text(key, in: text)).inserted == false {
            deferred = .duplicateKey(offset: Int(key.start))
        }
    }

    private static func isEqual(_ one: JSONToken, _ other: JSONToken, _ bytes: RawSpan) -> Bool {
        let length = one.end - one.start
        guard length == other.end - other.start else { return false }
        for index in 0..<Int(length)
        where bytes.byte(at: Int(one.start) + index) != bytes.byte(at: Int(other.start) + index) {
            return false
        }
        return true
    }
}

// Tokens without parts.
extension JSONScanner {
    private mutating func string(_ bytes: RawSpan) throws(JSONError) -> JSONToken {
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
            if deferred == nil { deferred = .loneSurrogate(offset: start) }
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

    private mutating func number(_ bytes: RawSpan) throws(JSONError) -> JSONKind {
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

    private mutating func literal(_ word: String, _ bytes: RawSpan) throws(JSONError) {
        for byte in word.utf8 {
            guard peek(bytes) == byte else { throw .notJSON(offset: offset) }
            offset += 1
        }
    }

    private mutating func expect(_ byte: UInt8, _ bytes: RawSpan) throws(JSONError) {
        guard peek(bytes) == byte else { throw .notJSON(offset: offset) }
        offset += 1
    }

    private func peek(_ bytes: RawSpan) -> UInt8? {
        offset < bytes.byteCount ? bytes.byte(at: offset) : nil
    }

    private mutating func skipSpace(_ bytes: RawSpan) {
        while offset < bytes.byteCount {
            switch bytes.byte(at: offset) {
            case 0x20, 0x09, 0x0A, 0x0D: offset += 1
            default: return
            }
        }
    }

    private func token(_ kind: JSONKind, from start: Int) -> JSONToken {
        JSONToken(start: UInt32(start), end: UInt32(offset), kind: kind)
    }
}
