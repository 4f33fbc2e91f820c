import NIOCore
import RelayDeflate
import RelayWire

/// What must hold of the frame decoder, whatever a peer sends.
struct FrameProperties {
    /// Inflates what is compressed; nil where no compression was agreed.
    let inflater: MessageInflater?

    /// Small, so that short inputs reach it.
    private static let messageBytesMax = 300
    /// What cannot be compressed grows a little.
    private static let compressedBytesMax = messageBytesMax + messageBytesMax / 64 + 64
    /// The longest header, and the payload of a control frame.
    private static let unfinishedBytesMax = 14 + 125

    func check(_ bytes: [UInt8]) throws {
        for role in [FrameRole.server, .client] {
            let events = try decode([bytes[...]], role)
            for pieces in Cuts.pieces(of: bytes) {
                let other = try decode(pieces, role)
                try require(other == events, "\(role), cut \(pieces.map(\.count)): \(other), not \(events)")
            }
            try judge(events, of: bytes.count)
            try compare(
                events,
                with: FrameModel.events(
                    in: bytes, role: role, messageBytesMax: Self.messageBytesMax,
                    compressedBytesMax: inflater.map { _ in Self.compressedBytesMax }))
            try encodeAgain(events, role)
        }
    }

    /// All events; nothing after the end, and never more held than the bounds allow.
    private func decode(_ pieces: [ArraySlice<UInt8>], _ role: FrameRole) throws -> [FrameEvent] {
        var decoder = FrameDecoder(
            role: role, messageBytesMax: Self.messageBytesMax, acceptsCompression: inflater != nil)
        let heldBytesMax = (inflater == nil ? Self.messageBytesMax : Self.compressedBytesMax) + Self.unfinishedBytesMax
        var events: [FrameEvent] = []
        for piece in pieces {
            var buffer = ByteBuffer(bytes: piece)
            decoder.append(&buffer)
            while let event = decoder.next(inflating: inflate) { events.append(event) }
            let held = decoder.heldBytes
            try require(held <= heldBytesMax, "holds \(held) bytes")
        }
        if decoder.isDone {
            var more = ByteBuffer(bytes: [0x89, 0x80, 1, 2, 3, 4])
            decoder.append(&more)
            try require(decoder.next(inflating: inflate) == nil && decoder.heldBytes == 0, "goes on after the end")
        }
        return events
    }

    /// Bounds, UTF-8, and one end at most.
    private func judge(_ events: [FrameEvent], of inputBytes: Int) throws {
        var bytesTotal = 0
        for (index, event) in events.enumerated() {
            switch event {
            case .text(let payload):
                try require(Self.isText(payload), "a text that is no UTF-8")
                try require(payload.readableBytes <= Self.messageBytesMax, "a message over the limit")
                bytesTotal += payload.readableBytes
            case .binary(let payload):
                try require(payload.readableBytes <= Self.messageBytesMax, "a message over the limit")
                bytesTotal += payload.readableBytes
            case .ping(let payload), .pong(let payload):
                try require(payload.readableBytes <= 125, "a control frame over 125 bytes")
                bytesTotal += payload.readableBytes
            case .close(let code, let reason):
                try require(code.map(CloseCode.mayBeSent) ?? (reason.readableBytes == 0), "a close without a code")
                try require(Self.isText(reason) && reason.readableBytes <= 123, "a bad reason")
                try require(index == events.count - 1, "something after a close frame")
            case .violation:
                try require(index == events.count - 1, "something after a violation")
            }
        }
        try require(inflater != nil || bytesTotal <= inputBytes, "\(bytesTotal) bytes of payload in \(inputBytes)")
    }

    /// The naive model knows whole frames only, so it may see less than the decoder: a violation in an unfinished one.
    private func compare(_ events: [FrameEvent], with model: FrameModel.Result) throws {
        var events = events
        var isViolated = false
        if case .violation? = events.last {
            events.removeLast()
            isViolated = true
        }
        try require(events == model.events, "\(events), and by the model \(model.events)")
        try require(isViolated || !model.isViolated, "the model sees a violation")
        try require(!isViolated || model.isViolated || model.isUnfinished, "the model sees no violation")
    }

    /// What was read, written anew, is read as the same, and then it is the same bytes.
    private func encodeAgain(_ events: [FrameEvent], _ role: FrameRole) throws {
        let valid = events.filter { if case .violation = $0 { false } else { true } }
        let written = Self.encode(valid, role)
        let again = try decode([written[...]], role)
        try require(again == valid, "\(again) read back, not \(valid)")
        try require(Self.encode(again, role) == written, "other bytes when written again")
        if inflater != nil, role == .client { try deflateAgain(valid) }
    }

    /// The same messages in the frames that the relay sends compressed.
    private func deflateAgain(_ events: [FrameEvent]) throws {
        let deflater = MessageDeflater()
        var wire = ByteBuffer()
        var written: [FrameEvent] = []
        for event in events {
            switch event {
            case .text(let payload) where deflater.writeFrame(.text, payload: payload, into: &wire),
                .binary(let payload) where deflater.writeFrame(.binary, payload: payload, into: &wire):
                written.append(event)
            default: break
            }
        }
        let again = try decode([Array(wire.readableBytesView)[...]], .client)
        try require(again == written, "\(again) read back from compressed frames, not \(written)")
    }

    private func inflate(_ payload: ByteBuffer, bytesMax: Int) throws(FrameViolation) -> ByteBuffer {
        guard let inflater else { throw .reservedBits }
        do throws(InflateError) {
            return try inflater.inflate(payload, bytesMax: bytesMax)
        } catch {
            throw error == .tooLong ? .messageTooLong : .invalidCompression
        }
    }

    private static func encode(_ events: [FrameEvent], _ role: FrameRole) -> [UInt8] {
        let key: UInt32? = role == .server ? 0x37FA_213D : nil
        var wire = ByteBuffer()
        for event in events {
            switch event {
            case .text(let payload): FrameEncoder.write(.text, payload: payload, maskingKey: key, into: &wire)
            case .binary(let payload): FrameEncoder.write(.binary, payload: payload, maskingKey: key, into: &wire)
            case .ping(let payload): FrameEncoder.write(.ping, payload: payload, maskingKey: key, into: &wire)
            case .pong(let payload): FrameEncoder.write(.pong, payload: payload, maskingKey: key, into: &wire)
            case .close(let code, let reason):
                FrameEncoder.writeClose(code: code, reason: String(buffer: reason), maskingKey: key, into: &wire)
            case .violation: break
            }
        }
        return Array(wire.readableBytesView)
    }

    private static func isText(_ payload: ByteBuffer) -> Bool {
        String(validating: payload.readableBytesView, as: UTF8.self) != nil
    }
}
