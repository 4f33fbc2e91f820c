/// Arguments written straight into the storage of a buffer.
///
/// Each write of a `ByteBuffer` looks at its storage anew: who owns it, how long it is, whether nobody else is at it.
/// That is some 200 instructions, four times for each argument, and a post has 31, most of them of a few bytes: written
/// one by one they took 50 000 instructions, together they take a tenth of that.
extension OutputRawSpan {
    /// What an argument takes beside its own bytes, at most: `$`, its length, two ends of lines.
    static let argumentFrameBytesMax = 24

    /// Appends one argument, the UTF-8 bytes of both texts one after the other. There must be room for it.
    public mutating func appendArgument(_ text: String, _ more: String = "") {
        let length = text.utf8.count + more.utf8.count
        // Writes into the part of the span that is free, which is checked to be long enough, and keeps no pointer.
        unsafe withUnsafeMutableBytes { target, used in
            precondition(length + Self.argumentFrameBytesMax <= target.count - used, "no room for an argument")
            unsafe Self.write("$", UInt64(length), to: target, at: &used)
            if length > 0 {
                unsafe Self.write(text, to: target, at: &used)
                unsafe Self.write(more, to: target, at: &used)
            }
            unsafe Self.writeLineEnd(to: target, at: &used)
        }
    }

    /// Appends one argument, a number from 0 up in decimal digits. There must be room for it.
    public mutating func appendArgument(_ number: UInt64) {
        // As above; no number has more than twenty digits.
        unsafe withUnsafeMutableBytes { target, used in
            precondition(20 + Self.argumentFrameBytesMax <= target.count - used, "no room for an argument")
            unsafe Self.write("$", UInt64(Self.digitCount(number)), to: target, at: &used)
            unsafe Self.write(number, to: target, at: &used)
            unsafe Self.writeLineEnd(to: target, at: &used)
        }
    }

    /// Appends a line that says a length: `$128`, `*3`. There must be room for 24 bytes.
    mutating func appendHeader(_ mark: Unicode.Scalar, _ count: Int) {
        // As above.
        unsafe withUnsafeMutableBytes { target, used in
            precondition(Self.argumentFrameBytesMax <= target.count - used, "no room for a header")
            unsafe Self.write(mark, UInt64(count), to: target, at: &used)
        }
    }

    /// Appends the end of a line.
    mutating func appendLineEnd() {
        append(UInt8(ascii: "\r"))
        append(UInt8(ascii: "\n"))
    }

    // MARK: Into memory that is known to be long enough

    private typealias Memory = UnsafeMutableRawBufferPointer

    // Whoever calls these has checked that the memory is long enough for all that is written from `offset` on.

    private static func write(_ mark: Unicode.Scalar, _ count: UInt64, to target: Memory, at offset: inout Int) {
        // As above.
        unsafe target[offset] = UInt8(ascii: mark)
        offset += 1
        unsafe write(count, to: target, at: &offset)
        unsafe writeLineEnd(to: target, at: &offset)
    }

    private static func writeLineEnd(to target: Memory, at offset: inout Int) {
        // As above.
        unsafe target[offset] = UInt8(ascii: "\r")
        unsafe target[offset + 1] = UInt8(ascii: "\n")
        offset += 2
    }

    private static func write(_ number: UInt64, to target: Memory, at offset: inout Int) {
        let end = offset + digitCount(number)
        var rest = number
        var index = end
        repeat {
            index -= 1
            // As above.
            unsafe target[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
        offset = end
    }

    private static func write(_ text: String, to target: Memory, at offset: inout Int) {
        // The pointer to the text is good for the call, which copies.
        let copied = unsafe text.utf8.withContiguousStorageIfAvailable { bytes in
            unsafe Memory(rebasing: target[offset...]).copyMemory(from: UnsafeRawBufferPointer(bytes))
            return bytes.count
        }
        if let copied {
            offset += copied
            return
        }
        for byte in text.utf8 {
            // As above.
            unsafe target[offset] = byte
            offset += 1
        }
    }

    private static func digitCount(_ number: UInt64) -> Int {
        var count = 1
        var rest = number
        while rest >= 10 {
            count += 1
            rest /= 10
        }
        return count
    }
}
