public import NIOCore
internal import RelayCore

/// Writes a `text/event-stream` as browsers' `EventSource` reads it.
public enum EventStreamEncoder {
    /// Writes one envelope, its bytes as they are.
    ///
    /// A message is an event without a name whose `id` is the message's; so the reader's `Last-Event-ID` is always that
    /// of a message. An event of the relay has its type as its name and no id.
    public static func write(_ envelope: ByteBuffer, into stream: inout ByteBuffer) {
        stream.reserveCapacity(minimumWritableBytes: envelope.readableBytes + 64)
        if let head = EnvelopeHead(envelope) {
            stream.writeString("id: \(head.id)\n")
        } else if let type = type(of: envelope) {
            stream.writeString("event: \(type)\n")
        }
        stream.writeStaticString("data: ")
        write(lines: envelope, into: &stream)
        stream.writeStaticString("\n\n")
    }

    /// Writes a comment, which readers pass over: a sign of life, and a word for people. One line of text.
    public static func writeComment(_ text: String, into stream: inout ByteBuffer) {
        stream.writeString(": \(text)\n\n")
    }

    /// Writes after what time the reader is to come back where its connection ends.
    public static func writeRetry(_ span: Duration, into stream: inout ByteBuffer) {
        stream.writeString("retry: \(span.wholeMilliseconds)\n")
    }

    /// What somebody publishes by hand may be written over several lines; each of them is one of `data`.
    private static func write(lines text: ByteBuffer, into stream: inout ByteBuffer) {
        let view = text.readableBytesView
        var start = view.startIndex
        while let end = view[start...].firstIndex(where: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }) {
            stream.writeBytes(view[start..<end])
            stream.writeStaticString("\ndata: ")
            start = end + 1
        }
        stream.writeBytes(view[start...])
    }

    /// The type of an event; nil where it has none that could be a name.
    private static func type(of event: ByteBuffer) -> String? {
        let object = try? JSONReader.object(from: event, depthMax: Limits.jsonDepthMax)
        guard let type = object?["type"]?.string, !type.isEmpty,
            type.utf8.allSatisfy({ (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || $0 == UInt8(ascii: "_") })
        else { return nil }
        return type
    }
}
