/// Why a text was refused by `JSONReader`. Offsets count bytes from the start of the text.
public enum JSONError: Error, Sendable, Equatable {
    /// Not JSON by RFC 8259; the offset is that of the first byte that does not fit, or the length where it ends early.
    case notJSON(offset: Int)
    /// Not UTF-8, hence not JSON.
    case invalidUTF8(offset: Int)
    /// JSON, but another value than an object.
    case notAnObject(offset: Int)
    /// Objects and arrays within one another beyond the limit; what follows was not read.
    case tooDeep(offset: Int)
    /// JSON, but a key comes twice in one object, escapes resolved.
    case duplicateKey(offset: Int)
    /// JSON, but a string has an escape `\uD800`–`\uDFFF` that is half of a surrogate pair: no Unicode text.
    case loneSurrogate(offset: Int)

    /// Where in the text, in bytes from its start.
    public var offset: Int {
        switch self {
        case .notJSON(let offset), .invalidUTF8(let offset), .notAnObject(let offset), .tooDeep(let offset),
            .duplicateKey(let offset), .loneSurrogate(let offset):
            offset
        }
    }
}

/// A member of an object has another type than was asked for.
public struct JSONTypeError: Error, Sendable, Equatable {
    /// The member's key.
    public let key: String
    /// What was asked for.
    public let expected: JSONKind
    /// What is there.
    public let found: JSONKind

    /// An error about the member `key`.
    public init(key: String, expected: JSONKind, found: JSONKind) {
        (self.key, self.expected, self.found) = (key, expected, found)
    }
}

/// The types of JSON values; integers are told from other numbers.
public enum JSONKind: UInt8, Sendable, Equatable {
    /// A string.
    case string
    /// A number without fraction and exponent that fits 64 bits with sign.
    case integer
    /// Any other number.
    case number
    /// `true` or `false`.
    case bool
    /// `null`.
    case null
    /// An object.
    case object
    /// An array.
    case array
}
