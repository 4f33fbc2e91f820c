/// Loads of plain integers from raw memory: the one place where the parsers of this target say `unsafe` to read.
///
/// Both are bounds-checked by the span; what the compiler calls unsafe is only that the type is chosen by the caller,
/// and every bit pattern is a valid unsigned integer.
extension RawSpan {
    @inline(__always)
    func byte(at offset: Int) -> UInt8 {
        unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    /// Eight bytes; the first one is the lowest, on every machine.
    @inline(__always)
    func word(at offset: Int) -> UInt64 {
        unsafe UInt64(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
}
