internal import NIOCore

/// Text and numbers written straight into the storage of a buffer.
///
/// Each write of a `ByteBuffer` looks at its storage anew, which is some 200 instructions. An answer is made of dozens
/// of pieces of a few bytes, so what belongs together is written with one look.
extension OutputRawSpan {
    mutating func append(utf8 text: String) {
        // Copies into the part of the span that is free, which is checked to be long enough, and keeps no pointer.
        unsafe withUnsafeMutableBytes { target, used in
            let copied = unsafe text.utf8.withContiguousStorageIfAvailable { source in
                precondition(source.count <= target.count - used, "no room for a text")
                unsafe UnsafeMutableRawBufferPointer(rebasing: target[used...])
                    .copyMemory(from: UnsafeRawBufferPointer(source))
                return source.count
            }
            if let copied {
                used += copied
                return
            }
            for byte in text.utf8 {
                precondition(used < target.count, "no room for a text")
                // Checked right above.
                unsafe target[used] = byte
                used += 1
            }
        }
    }

    mutating func append(bytes: RawSpan) {
        // As above.
        unsafe withUnsafeMutableBytes { target, used in
            unsafe bytes.withUnsafeBytes { source in
                precondition(source.count <= target.count - used, "no room for bytes")
                unsafe UnsafeMutableRawBufferPointer(rebasing: target[used...]).copyMemory(from: source)
                used += source.count
            }
        }
    }

    mutating func append(decimal number: UInt64) {
        var divisor: UInt64 = 1
        while number / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / divisor % 10))
            divisor /= 10
        }
    }

    /// Appends a text in quotes that needs no escapes.
    mutating func appendQuoted(_ text: String) {
        append(UInt8(ascii: "\""))
        append(utf8: text)
        append(UInt8(ascii: "\""))
    }

    /// Appends the key of a member that needs no escapes, with what stands before and behind it.
    mutating func appendKey(_ key: String, isFirst: Bool) {
        if !isFirst { append(UInt8(ascii: ",")) }
        appendQuoted(key)
        append(UInt8(ascii: ":"))
    }
}
