public import NIOCore

/// Writes the members of one JSON object, in the order of the calls, with the commas between them.
///
/// It comes from `ByteBuffer.writeJSONObject` or from another writer, and holds the buffer while it is at work. No
/// white space, no allocation a member. Keys are the caller's: giving one twice is not noticed.
public struct JSONObjectWriter {
    private var buffer: ByteBuffer
    private var isFirst = true

    fileprivate init(takingFrom buffer: inout ByteBuffer) {
        self.buffer = ByteBuffer()
        swap(&self.buffer, &buffer)
        self.buffer.writeInteger(UInt8(ascii: "{"))
    }

    fileprivate mutating func finish(into buffer: inout ByteBuffer) {
        self.buffer.writeInteger(UInt8(ascii: "}"))
        swap(&self.buffer, &buffer)
    }

    /// Writes a string.
    public mutating func string(_ key: String, _ value: String) {
        guard JSONByteScan.isPlain(key), JSONByteScan.isPlain(value) else {
            writeKey(key)
            return buffer.writeJSONString(value)
        }
        buffer.writeWithOutputRawSpan(minimumWritableBytes: key.utf8.count + value.utf8.count + 6) { [isFirst] span in
            span.appendKey(key, isFirst: isFirst)
            span.appendQuoted(value)
        }
        isFirst = false
    }

    /// Writes a string whose text is these readable bytes, valid UTF-8.
    public mutating func string(_ key: String, _ value: ByteBuffer) {
        writeKey(key)
        buffer.writeJSONString(value)
    }

    /// Writes a string whose text is these bytes, valid UTF-8.
    public mutating func string(_ key: String, _ value: [UInt8]) {
        writeKey(key)
        buffer.writeJSONString(value)
    }

    /// Writes an integer.
    public mutating func integer(_ key: String, _ value: Int64) {
        writeKey(key)
        buffer.writeJSONInteger(value)
    }

    /// Writes an integer.
    public mutating func integer(_ key: String, _ value: Int) {
        integer(key, Int64(value))
    }

    /// Writes an integer.
    public mutating func integer(_ key: String, _ value: UInt64) {
        guard JSONByteScan.isPlain(key) else {
            writeKey(key)
            return buffer.writeJSONInteger(value)
        }
        buffer.writeWithOutputRawSpan(minimumWritableBytes: key.utf8.count + 24) { [isFirst] span in
            span.appendKey(key, isFirst: isFirst)
            span.append(decimal: value)
        }
        isFirst = false
    }

    /// Writes `true` or `false`.
    public mutating func bool(_ key: String, _ value: Bool) {
        writeKey(key)
        buffer.writeJSONBool(value)
    }

    /// Writes `null`.
    public mutating func null(_ key: String) {
        writeKey(key)
        buffer.writeJSONNull()
    }

    /// Writes a value that is JSON already.
    public mutating func json(_ key: String, _ value: ByteBuffer) {
        writeKey(key)
        buffer.writeImmutableBuffer(value)
    }

    /// Writes an object; `body` writes its members.
    public mutating func object<Failure: Error>(
        _ key: String, _ body: (inout JSONObjectWriter) throws(Failure) -> Void
    ) throws(Failure) {
        writeKey(key)
        try buffer.writeJSONObject(body)
    }

    /// Writes an array; `body` writes its elements.
    public mutating func array<Failure: Error>(
        _ key: String, _ body: (inout JSONArrayWriter) throws(Failure) -> Void
    ) throws(Failure) {
        writeKey(key)
        try buffer.writeJSONArray(body)
    }

    /// Writes members that follow on others, with the comma in front of each, where their text is known to need no
    /// escapes: of at most so many bytes, by one look at the storage.
    mutating func plainMembers(bytesMax: Int, _ body: (inout OutputRawSpan) -> Void) {
        buffer.writeWithOutputRawSpan(minimumWritableBytes: bytesMax, initializingWith: body)
        isFirst = false
    }

    private mutating func writeKey(_ key: String) {
        if !isFirst { buffer.writeInteger(UInt8(ascii: ",")) }
        isFirst = false
        buffer.writeJSONString(key)
        buffer.writeInteger(UInt8(ascii: ":"))
    }
}

/// Writes the elements of one JSON array, in the order of the calls, with the commas between them.
public struct JSONArrayWriter {
    private var buffer: ByteBuffer
    private var isFirst = true

    fileprivate init(takingFrom buffer: inout ByteBuffer) {
        self.buffer = ByteBuffer()
        swap(&self.buffer, &buffer)
        self.buffer.writeInteger(UInt8(ascii: "["))
    }

    fileprivate mutating func finish(into buffer: inout ByteBuffer) {
        self.buffer.writeInteger(UInt8(ascii: "]"))
        swap(&self.buffer, &buffer)
    }

    /// Writes a string.
    public mutating func string(_ value: String) {
        writeComma()
        buffer.writeJSONString(value)
    }

    /// Writes an integer.
    public mutating func integer(_ value: Int64) {
        writeComma()
        buffer.writeJSONInteger(value)
    }

    /// Writes a value that is JSON already.
    public mutating func json(_ value: ByteBuffer) {
        writeComma()
        buffer.writeImmutableBuffer(value)
    }

    /// Writes an object; `body` writes its members.
    public mutating func object<Failure: Error>(
        _ body: (inout JSONObjectWriter) throws(Failure) -> Void
    ) throws(Failure) {
        writeComma()
        try buffer.writeJSONObject(body)
    }

    private mutating func writeComma() {
        if !isFirst { buffer.writeInteger(UInt8(ascii: ",")) }
        isFirst = false
    }
}

extension ByteBuffer {
    /// Writes a JSON object; `body` writes its members. What `body` throws leaves the object closed after the members
    /// so far: whoever catches it drops the buffer.
    public mutating func writeJSONObject<Failure: Error>(
        _ body: (inout JSONObjectWriter) throws(Failure) -> Void
    ) throws(Failure) {
        var writer = JSONObjectWriter(takingFrom: &self)
        defer { writer.finish(into: &self) }
        try body(&writer)
    }

    /// Writes a JSON array; `body` writes its elements. What `body` throws leaves the array closed after the elements
    /// so far: whoever catches it drops the buffer.
    public mutating func writeJSONArray<Failure: Error>(
        _ body: (inout JSONArrayWriter) throws(Failure) -> Void
    ) throws(Failure) {
        var writer = JSONArrayWriter(takingFrom: &self)
        defer { writer.finish(into: &self) }
        try body(&writer)
    }
}
