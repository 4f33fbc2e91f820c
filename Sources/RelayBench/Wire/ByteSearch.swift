/// Searching and reading in bytes that are looked at in place.
extension Span where Element == UInt8 {
    /// Whether `pattern` stands at `offset`, below `limit`.
    func has(_ pattern: StaticBytes, at offset: Int, to limit: Int) -> Bool {
        guard limit - offset >= pattern.bytes.count else { return false }
        for index in pattern.bytes.indices where self[offset + index] != pattern.bytes[index] { return false }
        return true
    }

    /// Where `pattern` begins first, from `offset` on and wholly below `limit`; nil where it does not.
    func find(_ pattern: StaticBytes, from offset: Int, to limit: Int) -> Int? {
        guard let first = pattern.bytes.first else { return nil }
        var place = offset
        while place <= limit - pattern.bytes.count {
            if self[place] == first, has(pattern, at: place, to: limit) { return place }
            place += 1
        }
        return nil
    }

    /// The digits from `offset` on, and where they end; nil where there is none, or they are too large for 64 bits.
    func number(at offset: Int, to limit: Int) -> (value: UInt64, end: Int)? {
        var value: UInt64 = 0
        var place = offset
        while place < limit {
            let digit = self[place] &- 0x30
            guard digit <= 9 else { break }
            let (product, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            guard !isTooLarge, product <= UInt64.max - 9 else { return nil }
            value = product + UInt64(digit)
            place += 1
        }
        return place > offset ? (value, place) : nil
    }

    /// The number that follows the first `pattern`; nil where there is none.
    func number(after pattern: StaticBytes, from offset: Int, to limit: Int) -> UInt64? {
        guard let place = find(pattern, from: offset, to: limit) else { return nil }
        return number(at: place + pattern.bytes.count, to: limit)?.value
    }

    /// The bytes of a range as text.
    func string(_ start: Int, _ end: Int) -> String {
        var text: [UInt8] = []
        for place in start..<Swift.max(start, end) { text.append(self[place]) }
        return String(decoding: text, as: UTF8.self)
    }
}

/// What is searched for, made once.
struct StaticBytes: Sendable {
    let bytes: [UInt8]

    init(_ text: StaticString) { bytes = Array("\(text)".utf8) }
}
