/// The masking of RFC 6455 5.3, as a key that remembers where in its four bytes it stands.
struct MaskingKey: Sendable, Equatable {
    /// The byte that applies next is the lowest.
    private var word: UInt32

    /// - Parameter key: the four bytes of the key as the frame carries them, the first one the highest.
    init(_ key: UInt32) {
        word = key.byteSwapped
    }

    /// Masks or unmasks `count` bytes in place and moves on by as many.
    ///
    /// - Returns: whether all resulting bytes are ASCII: whoever unmasks a text learns on the way whether it needs a
    ///   closer look.
    @discardableResult
    mutating func apply(to bytes: inout MutableRawSpan, from start: Int, count: Int) -> Bool {
        let end = start + count
        let wide = UInt64(word) << 32 | UInt64(word)
        var seen: UInt64 = 0
        var offset = start
        while end - offset >= 8 {
            // The loop's condition keeps eight bytes from here on within the span.
            let loaded = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            let plain = UInt64(littleEndian: loaded) ^ wide
            seen |= plain
            bytes.storeBytes(of: plain.littleEndian, toByteOffset: offset, as: UInt64.self)
            offset += 8
        }
        var rest = wide
        while offset < end {
            let plain =
                // The loop's condition keeps the offset within the span.
                unsafe bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self) ^ UInt8(truncatingIfNeeded: rest)
            seen |= UInt64(plain)
            bytes.storeBytes(of: plain, toByteOffset: offset, as: UInt8.self)
            rest >>= 8
            offset += 1
        }
        let turn = UInt32(truncatingIfNeeded: count & 3) * 8
        word = word >> turn | word << ((32 - turn) & 31)
        return seen & 0x8080_8080_8080_8080 == 0
    }
}
