public import NIOCore

/// A strict reader of JSON: RFC 8259 without any leniency, and stricter where a text is JSON but ambiguous.
///
/// Refused beyond the RFC: keys that come twice in an object at any depth (compared byte by byte after resolving
/// escapes), halves of surrogate pairs in any string or key, nesting beyond a limit, a byte order mark. UTF-8 is always
/// checked, so it does not matter where the text comes from.
public enum JSONReader {
    /// How deep objects and arrays may lie within one another unless said otherwise; the outermost one counts.
    public static let depthMaxDefault = 16

    /// Reads a text that is one object.
    ///
    /// - Parameters:
    ///   - text: its readable bytes are the whole text. The result keeps its storage alive.
    ///   - depthMax: deeper nesting is `.tooDeep`.
    /// - Throws: what is not JSON is always `.invalidUTF8`, `.notJSON` or `.tooDeep`, even if it has other faults too.
    public static func object(
        from text: ByteBuffer, depthMax: Int = depthMaxDefault
    ) throws(JSONError) -> JSONObject {
        let (object, fault) = try faultyObject(from: text, depthMax: depthMax)
        if let fault { throw fault }
        return object
    }

    /// The same, with what is wrong with it where it is JSON all the same: a key that comes twice, or half of a
    /// surrogate pair. Of what it says only that is of use which tells whom to answer.
    static func faultyObject(
        from text: ByteBuffer, depthMax: Int
    ) throws(JSONError) -> (object: JSONObject, fault: JSONError?) {
        let (token, members, fault) = try scan(text, depthMax: depthMax)
        guard token.kind == .object else { throw fault ?? .notAnObject(offset: Int(token.start)) }
        return (JSONObject(text: text.slice(), members: members), fault)
    }

    /// Reads a text that is one value of any type. Parameters and errors as with `object(from:depthMax:)`.
    public static func value(
        from text: ByteBuffer, depthMax: Int = depthMaxDefault
    ) throws(JSONError) -> JSONValue {
        let (token, _, fault) = try scan(text, depthMax: depthMax)
        if let fault { throw fault }
        return JSONValue(text: text.slice(), token: token)
    }

    private static func scan(
        _ text: ByteBuffer, depthMax: Int
    ) throws(JSONError) -> (JSONToken, [JSONMember], JSONError?) {
        let bytes = text.readableBytesSpan
        var validator = UTF8Validator()
        if let offset = validator.firstInvalidOffset(in: bytes) { throw .invalidUTF8(offset: offset) }
        guard validator.isAtBoundary else { throw .invalidUTF8(offset: bytes.byteCount) }
        var scanner = JSONScanner(text, depthMax: depthMax)
        let token = try scanner.wholeText(bytes)
        return (token, scanner.members, scanner.fault)
    }
}
