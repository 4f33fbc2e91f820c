public import NIOCore

/// One command, encoded as a RESP array of bulk strings while its arguments are appended.
public struct RedisCommand: Sendable, Equatable {
    private var arguments: RedisArguments

    /// Whether the reply, where it is an array, is to come as a tape.
    public var isReplyTaped = false

    /// A command by name, with room for so many encoded bytes.
    public init(_ name: String, capacity: Int = 128) {
        arguments = RedisArguments(capacity: capacity)
        arguments.append(name)
    }

    /// A command by name with the strings given as arguments.
    public init(_ name: String, _ strings: String...) {
        self.init(name)
        arguments.append(contentsOf: strings)
    }

    /// A call of a script by its digest: `words` are its keys, so many of them, and then its arguments.
    public init(script digest: String, keyCount: Int, words: RedisArguments) {
        arguments = RedisArguments(capacity: words.byteCount + digest.utf8.count + 128)
        arguments.append(count: 3, bytesMax: digest.utf8.count + 32) { span in
            span.appendArgument("EVALSHA")
            span.appendArgument(digest)
            span.appendArgument(UInt64(keyCount))
        }
        arguments.append(contentsOf: words)
    }

    /// How many arguments there are, the name included.
    public var count: Int { arguments.count }

    /// The size on the wire in bytes, at most a few more than it takes.
    public var byteCount: Int { arguments.byteCount + 16 }

    /// Appends the UTF-8 bytes of a string.
    public mutating func append(_ string: String) { arguments.append(string) }

    /// Appends a number in decimal digits.
    public mutating func append(_ number: Int) { arguments.append(number) }

    /// Appends bytes.
    public mutating func append(_ bytes: [UInt8]) { arguments.append(bytes) }

    /// Appends the readable bytes of a buffer.
    public mutating func append(_ buffer: ByteBuffer) { arguments.append(buffer) }

    /// Appends each string as one argument.
    public mutating func append(contentsOf strings: some Sequence<String>) { arguments.append(contentsOf: strings) }

    /// Appends arguments that are encoded already.
    public mutating func append(contentsOf more: RedisArguments) { arguments.append(contentsOf: more) }

    /// Writes the command as it goes to Redis behind what the buffer holds.
    public func encode(into buffer: inout ByteBuffer) {
        buffer.writeRESPHeader("*", arguments.count)
        buffer.writeImmutableBuffer(arguments.encoded)
    }
}
