import NIOCore
import RelayCore
import RelayWire

/// What must hold of frames of the relay: of envelopes, of events, and of what somebody publishes by hand.
enum EnvelopeProperties {
    static func check(_ bytes: [UInt8]) throws {
        let buffer = ByteBuffer(bytes: bytes)
        if let frame = try? ServerFrameDecoder.decode(buffer) { try judge(frame) }
        if let message = try? ServerFrameDecoder.message(from: buffer) { try judge(message, of: buffer) }
        try judgeHead(buffer, bytes)
        try judgePublished(buffer)
    }

    private static func judge(_ frame: ServerFrame) throws {
        switch frame {
        case .message(let received): try judge(received, of: received.envelope)
        case .event(let received):
            // The first keys, written anew, are read as the same event.
            let edge = received.edge.flatMap { $0.isEmpty ? nil : EdgeID($0) }
            let written = EventCoder.encode(received.event, edge: edge)
            guard case .event(let again)? = try? ServerFrameDecoder.decode(written) else {
                throw BrokenProperty(description: "an event that cannot be read back")
            }
            try require(again.event == received.event, "\(again.event), not \(received.event)")
        case .answer, .notice: break
        }
    }

    /// An envelope, written anew, is the one that the relay would have made, and is read as the same message.
    private static func judge(_ received: ReceivedMessage, of bytes: ByteBuffer) throws {
        let written = EnvelopeEncoder.envelope(of: received.message)
        let again = try ServerFrameDecoder.message(from: written)
        try require(again.message == received.message, "\(again.message), not \(received.message)")
        try require(EnvelopeEncoder.envelope(of: again.message) == written, "other bytes when written again")
        let head = EnvelopeHead(written)
        try require(
            head?.id == received.message.id && head?.seq == received.message.seq, "a head that says something else")
        if let head = EnvelopeHead(bytes) {
            try require(
                head.id == received.message.id && head.seq == received.message.seq, "the head is not the message's")
        }
    }

    /// A head that is taken without parsing is just what the script writes, cut anywhere but within it.
    private static func judgeHead(_ buffer: ByteBuffer, _ bytes: [UInt8]) throws {
        guard let head = EnvelopeHead(buffer) else { return }
        let written = Array("{\"id\":\"\(head.id)\",\"seq\":\(head.seq),\"ts\":".utf8)
        try require(bytes.starts(with: written), "the head would be written otherwise")
        for cut in Cuts.places(in: bytes) {
            let shorter = EnvelopeHead(ByteBuffer(bytes: bytes[..<cut]))
            try require(shorter == (cut < written.count ? nil : head), "cut at \(cut) it is another head")
        }
    }

    /// What came by hand is marked, is still an object, grows by the mark alone, and stays what it was.
    private static func judgePublished(_ payload: ByteBuffer) throws {
        guard case .foreign(let marked) = EventCoder.judge(payload) else { return }
        let object = try JSONReader.object(from: marked, depthMax: Limits.jsonDepthMax)
        try require(try object.bool("foreign") == true, "not marked")
        try require(!object.isPresent("id") && !object.isPresent("seq"), "it looks like a message")
        try require(
            marked.readableBytes <= payload.readableBytes + 15, "\(payload.readableBytes) bytes have grown too much")
        try require(EnvelopeHead(marked) == nil, "it would pass for a message")
        try require(EventCoder.judge(marked) == .foreign(marked), "another verdict on what was marked")
    }
}
