public import NIOCore

/// A JSON object that has been checked: its members in order, as places in its text.
///
/// One allocation for the table of members, none for a member. The table is bounded by the text: 24 bytes for a member,
/// which takes five bytes of text at least. It keeps the storage of the text alive.
///
/// The typed accessors tell absence from a wrong type: nil where the key is missing, an error where the value is of
/// another type. `null` is a type of its own, and so a wrong one for all of them.
public struct JSONObject: Sendable {
    private let text: ByteBuffer
    private let members: [JSONMember]

    init(text: ByteBuffer, members: [JSONMember]) {
        self.text = text
        self.members = members
    }

    /// The number of members.
    public var count: Int { members.count }

    /// The keys in the order of the text, escapes resolved.
    public var keys: [String] { members.map { String(buffer: JSONString.text($0.key, in: text)) } }

    /// The member's value, or nil where there is no such key.
    public subscript(key: String) -> JSONValue? {
        let bytes = text.readableBytesSpan
        // Bytes have no padding that could be read uninitialised.
        let wanted = unsafe key.utf8Span.span.bytes
        for member in members where isKey(member.key, wanted, bytes) {
            return JSONValue(text: text, token: member.value)
        }
        return nil
    }

    /// Whether the key is there, whatever its value; also with `null`.
    public func isPresent(_ key: String) -> Bool { self[key] != nil }

    /// The text of a string. Throws where the value is none.
    public func string(_ key: String) throws(JSONTypeError) -> String? {
        try typed(key, .string) { $0.string }
    }

    /// The UTF-8 of a string's text, not copied where the string has no escapes. Throws where the value is none.
    public func stringBytes(_ key: String) throws(JSONTypeError) -> ByteBuffer? {
        try typed(key, .string) { $0.stringBytes }
    }

    /// An integer. Throws where the value is none; see `JSONValue.integer`.
    public func integer(_ key: String) throws(JSONTypeError) -> Int64? {
        try typed(key, .integer) { $0.integer }
    }

    /// An integer or another number. Throws where the value is neither.
    public func number(_ key: String) throws(JSONTypeError) -> Double? {
        try typed(key, .number) { $0.number }
    }

    /// A truth value. Throws where the value is none.
    public func bool(_ key: String) throws(JSONTypeError) -> Bool? {
        try typed(key, .bool) { $0.bool }
    }

    /// An object. Throws where the value is none.
    public func object(_ key: String) throws(JSONTypeError) -> JSONObject? {
        try typed(key, .object) { $0.object }
    }

    /// An array's elements. Throws where the value is none.
    public func elements(_ key: String) throws(JSONTypeError) -> [JSONValue]? {
        try typed(key, .array) { $0.elements }
    }

    /// An array of strings. Throws where the value is none, or where one of its elements is of another type.
    public func strings(_ key: String) throws(JSONTypeError) -> [String]? {
        guard let elements = try elements(key) else { return nil }
        var strings: [String] = []
        strings.reserveCapacity(elements.count)
        for element in elements {
            guard let string = element.string else {
                throw JSONTypeError(key: key, expected: .string, found: element.kind)
            }
            strings.append(string)
        }
        return strings
    }

    private func typed<Value>(
        _ key: String, _ expected: JSONKind, _ read: (JSONValue) -> Value?
    ) throws(JSONTypeError) -> Value? {
        guard let value = self[key] else { return nil }
        guard let result = read(value) else { throw JSONTypeError(key: key, expected: expected, found: value.kind) }
        return result
    }

    private func isKey(_ token: JSONToken, _ key: RawSpan, _ bytes: RawSpan) -> Bool {
        if token.hasEscapes {
            let name = JSONString.text(token, in: text)
            return Self.isEqual(name.readableBytesSpan, key, from: 0, count: name.readableBytes)
        }
        return Self.isEqual(bytes, key, from: Int(token.start) + 1, count: Int(token.end - token.start) - 2)
    }

    private static func isEqual(_ bytes: RawSpan, _ key: RawSpan, from start: Int, count: Int) -> Bool {
        guard count == key.byteCount else { return false }
        for index in 0..<count where bytes.byte(at: start + index) != key.byte(at: index) { return false }
        return true
    }
}
