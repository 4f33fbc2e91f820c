internal import NIOCore

/// An array of which no value of its own was made for each element: what the elements are stands in one list, and their
/// bytes one behind the other.
///
/// A page of entries has a dozen short strings each, and whoever turns them into something else has no use for a
/// value with storage of its own for every one. Numbers and status lines are strings here; an error inside is a null.
public struct RESPTape: Sendable, Equatable {
    /// The bytes of all strings.
    public private(set) var bytes: [UInt8] = []
    /// All elements in the order in which they are written: an array, then what is in it.
    public private(set) var marks: [RESPMark] = []
    /// Elements that are still to come.
    private var missing = 1

    /// A tape on which nothing is.
    init() {}

    /// Whether the array and all that is in it is there.
    var isWhole: Bool { missing == 0 }

    mutating func openArray(count: Int) {
        marks.append(RESPMark(arrayCount: count))
        missing += count - 1
    }

    mutating func addString(_ text: UnsafeRawBufferPointer) {
        // Copied.
        unsafe bytes.append(contentsOf: text)
        marks.append(RESPMark(stringLength: text.count))
        missing -= 1
    }

    mutating func addString(_ text: String) {
        bytes.append(contentsOf: text.utf8)
        marks.append(RESPMark(stringLength: text.utf8.count))
        missing -= 1
    }

    mutating func addNull() {
        marks.append(.null)
        missing -= 1
    }
}

/// One element of a tape.
@frozen public struct RESPMark: Sendable, Equatable {
    // The two highest bits tell what it is. No string and no array comes near to the rest: see `RedisLimits`.
    @usableFromInline let raw: UInt32

    private static let arrayBit: UInt32 = 1 << 30

    /// No string and no array.
    static var null: RESPMark { RESPMark(raw: 1 << 31) }

    private init(raw: UInt32) { self.raw = raw }

    init(stringLength: Int) { raw = UInt32(stringLength) }

    init(arrayCount: Int) { raw = UInt32(arrayCount) | Self.arrayBit }

    /// How many bytes a string has; nil for everything else.
    @inlinable public var stringLength: Int? { raw < 1 << 30 ? Int(raw) : nil }

    /// How many elements an array has; nil for everything else.
    @inlinable public var arrayCount: Int? { raw >> 30 == 1 ? Int(raw & (1 << 30 - 1)) : nil }
}

/// A place on a tape: the next element, and where its bytes begin.
@frozen public struct RESPTapePlace: Sendable, Equatable {
    /// The index of the next element in `marks`.
    public var mark: Int
    /// The offset of the next string in `bytes`.
    public var offset: Int

    /// The beginning of a tape.
    @inlinable
    public init() {
        mark = 0
        offset = 0
    }
}

extension RESPTape {
    /// The element at this place, with all that is in it, as a value; the place is then behind it. Null where there is
    /// no element.
    public func value(at place: inout RESPTapePlace) -> RESPValue {
        guard place.mark < marks.count else { return .null }
        let mark = marks[place.mark]
        place.mark += 1
        if let length = mark.stringLength {
            let end = place.offset + length
            defer { place.offset = end }
            return .bulk(.init(bytes: bytes[place.offset..<end]))
        }
        guard let count = mark.arrayCount else { return .null }
        var values: [RESPValue] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(value(at: &place)) }
        return .array(values)
    }
}
