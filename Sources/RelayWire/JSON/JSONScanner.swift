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
    private var duplicateOffset: Int?
    private var cursor = JSONCursor()
    private let text: ByteBuffer
    private let depthMax: Int

    init(_ text: ByteBuffer, depthMax: Int) {
        self.text = text
        self.depthMax = depthMax
    }

    /// The first fault of a text that is otherwise JSON.
    var fault: JSONError? {
        switch (duplicateOffset, cursor.loneSurrogateOffset) {
        case (nil, nil): nil
        case (let duplicate?, let lone) where duplicate < lone ?? .max: .duplicateKey(offset: duplicate)
        case (_, let lone?): .loneSurrogate(offset: lone)
        case (let duplicate?, nil): .duplicateKey(offset: duplicate)
        }
    }

    /// Reads the whole text as one value with white space around it. `bytes` are those of `text`.
    mutating func wholeText(_ bytes: RawSpan) throws(JSONError) -> JSONToken {
        cursor.skipSpace(bytes)
        let token = try value(bytes, depth: 0)
        cursor.skipSpace(bytes)
        guard cursor.offset == bytes.byteCount else { throw .notJSON(offset: cursor.offset) }
        return token
    }

    /// The tokens of an array's elements. `bytes` are those of `text`.
    mutating func elements(_ bytes: RawSpan) throws(JSONError) -> [JSONToken] {
        var tokens: [JSONToken] = []
        cursor.skipSpace(bytes)
        try cursor.expect(UInt8(ascii: "["), bytes)
        try list(bytes, closing: UInt8(ascii: "]")) { (scanner, bytes) throws(JSONError) in
            tokens.append(try scanner.value(bytes, depth: 1))
        }
        return tokens
    }

    private mutating func value(_ bytes: RawSpan, depth: Int) throws(JSONError) -> JSONToken {
        let start = cursor.offset
        guard cursor.offset < bytes.byteCount else { throw .notJSON(offset: cursor.offset) }
        switch bytes.byte(at: cursor.offset) {
        case UInt8(ascii: "\""):
            return try cursor.string(bytes)
        case UInt8(ascii: "{"):
            try object(bytes, depth: depth + 1)
            return cursor.token(.object, from: start)
        case UInt8(ascii: "["):
            try array(bytes, depth: depth + 1)
            return cursor.token(.array, from: start)
        case UInt8(ascii: "t"):
            try cursor.literal("true", bytes)
            return cursor.token(.bool, from: start)
        case UInt8(ascii: "f"):
            try cursor.literal("false", bytes)
            return cursor.token(.bool, from: start)
        case UInt8(ascii: "n"):
            try cursor.literal("null", bytes)
            return cursor.token(.null, from: start)
        default:
            let kind = try cursor.number(bytes)
            return cursor.token(kind, from: start)
        }
    }

    private mutating func object(_ bytes: RawSpan, depth: Int) throws(JSONError) {
        guard depth <= depthMax else { throw .tooDeep(offset: cursor.offset) }
        let first = members.count
        var seen: Set<ByteBuffer>?
        cursor.offset += 1
        try list(bytes, closing: UInt8(ascii: "}")) { (scanner, bytes) throws(JSONError) in
            guard scanner.cursor.peek(bytes) == UInt8(ascii: "\"") else {
                throw .notJSON(offset: scanner.cursor.offset)
            }
            let key = try scanner.cursor.string(bytes)
            scanner.noteDuplicate(key, amongMembersFrom: first, seen: &seen, bytes)
            scanner.cursor.skipSpace(bytes)
            try scanner.cursor.expect(UInt8(ascii: ":"), bytes)
            scanner.cursor.skipSpace(bytes)
            let value = try scanner.value(bytes, depth: depth)
            scanner.members.append(JSONMember(key: key, value: value))
        }
        if depth > 1 { members.removeLast(members.count - first) }
    }

    private mutating func array(_ bytes: RawSpan, depth: Int) throws(JSONError) {
        guard depth <= depthMax else { throw .tooDeep(offset: cursor.offset) }
        let first = members.count
        cursor.offset += 1
        try list(bytes, closing: UInt8(ascii: "]")) { (scanner, bytes) throws(JSONError) in
            _ = try scanner.value(bytes, depth: depth)
        }
        members.removeLast(members.count - first)
    }

    /// Reads items with commas between them, and the closing bracket.
    private mutating func list(
        _ bytes: RawSpan, closing: UInt8, item: (inout JSONScanner, RawSpan) throws(JSONError) -> Void
    ) throws(JSONError) {
        cursor.skipSpace(bytes)
        if cursor.peek(bytes) == closing {
            cursor.offset += 1
            return
        }
        while true {
            try item(&self, bytes)
            cursor.skipSpace(bytes)
            if cursor.peek(bytes) == closing { break }
            try cursor.expect(UInt8(ascii: ","), bytes)
            cursor.skipSpace(bytes)
        }
        cursor.offset += 1
    }

    /// A few keys are compared with each other; many, or escaped ones, go through a set, whose seeded hashes keep the
    /// cost linear whatever the keys are.
    private mutating func noteDuplicate(
        _ key: JSONToken, amongMembersFrom first: Int, seen: inout Set<ByteBuffer>?, _ bytes: RawSpan
    ) {
        if duplicateOffset != nil { return }
        if seen == nil {
            let mustHash = key.hasEscapes || members.count - first >= 8
            if !mustHash {
                for member in members[first...] where Self.isEqual(member.key, key, bytes) {
                    duplicateOffset = Int(key.start)
                    return
                }
                return
            }
            seen = Set(members[first...].map { JSONString.text($0.key, in: text) })
        }
        if seen?.insert(JSONString.text(key, in: text)).inserted == false {
            duplicateOffset = Int(key.start)
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
