public import NIOCore

/// Arguments of a command, encoded as RESP bulk strings while they are appended.
public struct RedisArguments: Sendable, Equatable {
    /// How many arguments there are.
    public private(set) var count = 0
    private(set) var encoded: ByteBuffer

    /// No arguments, with room for so many encoded bytes.
    public init(capacity: Int = 128) {
        encoded = ByteBufferAllocator().buffer(capacity: capacity)
    }

    /// The strings given, in order.
    public init(_ strings: [String]) {
        self.init(capacity: strings.reduce(0) { $0 + $1.utf8.count + 16 })
        append(contentsOf: strings)
    }

    /// The size of the encoded arguments in bytes.
    public var byteCount: Int { encoded.readableBytes }

    /// Appends the UTF-8 bytes of a string.
    public mutating func append(_ string: String) {
        append(count: 1, bytesMax: string.utf8.count) { $0.appendArgument(string) }
    }

    /// Appends a number in decimal digits.
    public mutating func append(_ number: Int) {
        append(String(number))
    }

    /// Appends bytes.
    public mutating func append(_ bytes: [UInt8]) {
        encoded.writeRESPHeader("$", bytes.count)
        encoded.writeBytes(bytes)
        finishArgument()
    }

    /// Appends the readable bytes of a buffer.
    public mutating func append(_ buffer: ByteBuffer) {
        encoded.writeRESPHeader("$", buffer.readableBytes)
        encoded.writeImmutableBuffer(buffer)
        finishArgument()
    }

    /// Appends several arguments with one look at the storage.
    ///
    /// - Parameters:
    ///   - count: how many.
    ///   - bytesMax: how many bytes they have together, at most.
    ///   - body: appends each of them, by `appendArgument`.
    public mutating func append(count: Int, bytesMax: Int, _ body: (inout OutputRawSpan) -> Void) {
        encoded.writeWithOutputRawSpan(
            minimumWritableBytes: bytesMax + count * OutputRawSpan.argumentFrameBytesMax, initializingWith: body)
        self.count += count
    }

    /// Appends each string as one argument.
    public mutating func append(contentsOf strings: some Sequence<String>) {
        for string in strings { append(string) }
    }

    /// Appends arguments that are encoded already.
    public mutating func append(contentsOf arguments: RedisArguments) {
        encoded.writeImmutableBuffer(arguments.encoded)
        count += arguments.count
    }

    private mutating func finishArgument() {
        encoded.writeWithOutputRawSpan(minimumWritableBytes: 2) { $0.appendLineEnd() }
        count += 1
    }
}

extension RedisArguments: ExpressibleByArrayLiteral {
    /// The strings of the literal, in order.
    public init(arrayLiteral elements: String...) {
        self.init(elements)
    }
}

extension ByteBuffer {
    /// Writes a line of RESP that says a length: `$128`, `*3`.
    mutating func writeRESPHeader(_ mark: Unicode.Scalar, _ count: Int) {
        writeWithOutputRawSpan(minimumWritableBytes: 24) { $0.appendHeader(mark, count) }
    }
}
