import NIOCore
import RelayDeflate
import RelayWire

/// RFC 6455 once more, as slowly and plainly as it can be said: whole frames, one after the other, out of one array.
/// With compression RFC 7692 too.
struct FrameModel {
    struct Result {
        var events: [FrameEvent] = []
        var isViolated = false
        /// Whether the input ends within a frame or a message.
        var isUnfinished = false
    }

    private struct Frame {
        var isFinal: Bool
        var isCompressed: Bool
        var opcode: UInt8
        var payload: [UInt8]
    }

    /// A message of which a fragment has come.
    private struct Message {
        var opcode: UInt8
        var isCompressed: Bool
        var payload: [UInt8] = []
    }

    /// What no message may exceed.
    private struct Bounds {
        let messageBytesMax: Int
        /// Nil where no compression was agreed.
        let compressedBytesMax: Int?
    }

    private enum Step {
        case frame(Frame, end: Int)
        case violation
        case unfinished
    }

    /// - Parameter compressedBytesMax: the most bytes of a message before it is inflated; nil where no compression was
    ///   agreed.
    static func events(
        in bytes: [UInt8], role: FrameRole, messageBytesMax: Int, compressedBytesMax: Int? = nil
    ) -> Result {
        let bounds = Bounds(messageBytesMax: messageBytesMax, compressedBytesMax: compressedBytesMax)
        var result = Result()
        var message: Message?
        var offset = 0
        while offset < bytes.count {
            switch frame(in: bytes[offset...], role, bounds) {
            case .unfinished:
                result.isUnfinished = true
                return result
            case .violation:
                result.isViolated = true
                return result
            case .frame(let frame, let end):
                offset = end
                guard let event = take(frame, &message, bounds) else {
                    result.isViolated = true
                    return result
                }
                result.events += event
                if case .close? = event.first { return result }
            }
        }
        result.isUnfinished = message != nil
        return result
    }

    private static func frame(in bytes: ArraySlice<UInt8>, _ role: FrameRole, _ bounds: Bounds) -> Step {
        let start = bytes.startIndex
        guard bytes.count >= 2 else { return .unfinished }
        let (first, second) = (bytes[start], bytes[start + 1])
        // The first bit says that the message is compressed, and stands on its first frame.
        let isCompressed = first & 0x40 != 0 && bounds.compressedBytesMax != nil && [1, 2].contains(first & 0xF)
        guard first & (isCompressed ? 0x30 : 0x70) == 0, (second & 0x80 != 0) == (role == .server) else {
            return .violation
        }
        let lengthBytes = second & 0x7F == 126 ? 2 : second & 0x7F == 127 ? 8 : 0
        let maskBytes = role == .server ? 4 : 0
        var length = UInt64(second & 0x7F)
        if lengthBytes > 0 {
            guard bytes.count >= 2 + lengthBytes else { return .unfinished }
            length = bytes[(start + 2)..<(start + 2 + lengthBytes)].reduce(0) { $0 << 8 | UInt64($1) }
            guard length >= (lengthBytes == 2 ? 126 : 65536), length < 1 << 63 else { return .violation }
        }
        let payloadStart = start + 2 + lengthBytes + maskBytes
        guard UInt64(max(0, bytes.endIndex - payloadStart)) >= length, payloadStart <= bytes.endIndex else {
            return .unfinished
        }
        let end = payloadStart + Int(length)
        let key = Array(bytes[(payloadStart - maskBytes)..<payloadStart])
        let payload = bytes[payloadStart..<end].enumerated().map { key.isEmpty ? $1 : $1 ^ key[$0 % 4] }
        return .frame(
            Frame(isFinal: first & 0x80 != 0, isCompressed: isCompressed, opcode: first & 0xF, payload: payload),
            end: end)
    }

    /// What the frame gives, nothing where more fragments are to come; nil where it breaks a rule.
    private static func take(_ frame: Frame, _ message: inout Message?, _ bounds: Bounds) -> [FrameEvent]? {
        switch frame.opcode {
        case 8, 9, 10:
            guard frame.isFinal, frame.payload.count <= 125 else { return nil }
            let payload = ByteBuffer(bytes: frame.payload)
            return frame.opcode == 9 ? [.ping(payload)] : frame.opcode == 10 ? [.pong(payload)] : close(frame.payload)
        case 0, 1, 2:
            guard (frame.opcode == 0) == (message != nil) else { return nil }
            var whole = message ?? Message(opcode: frame.opcode, isCompressed: frame.isCompressed)
            whole.payload += frame.payload
            guard
                whole.payload.count <= (whole.isCompressed ? bounds.compressedBytesMax : nil) ?? bounds.messageBytesMax
            else { return nil }
            message = frame.isFinal ? nil : whole
            if frame.isFinal { return end(of: whole, bounds) }
            // Text that can never become UTF-8 is a violation at once; the model may wait for the whole of it.
            return whole.opcode == 1 && !whole.isCompressed && !canBecomeText(whole.payload) ? nil : []
        default: return nil
        }
    }

    private static func end(of message: Message, _ bounds: Bounds) -> [FrameEvent]? {
        var payload = message.payload
        if message.isCompressed {
            guard let inflated = try? InflateModel.inflate(payload, bytesMax: bounds.messageBytesMax) else {
                return nil
            }
            payload = inflated
        }
        if message.opcode == 2 { return [.binary(ByteBuffer(bytes: payload))] }
        return String(validating: payload, as: UTF8.self) == nil ? nil : [.text(ByteBuffer(bytes: payload))]
    }

    private static func close(_ payload: [UInt8]) -> [FrameEvent]? {
        if payload.isEmpty { return [.close(code: nil, reason: ByteBuffer())] }
        guard payload.count >= 2 else { return nil }
        let code = UInt16(payload[0]) << 8 | UInt16(payload[1])
        let isAllowed =
            (1000...1014).contains(code) && ![1004, 1005, 1006].contains(code) || (3000...4999).contains(code)
        guard isAllowed, String(validating: payload[2...], as: UTF8.self) != nil else { return nil }
        return [.close(code: code, reason: ByteBuffer(bytes: payload[2...]))]
    }

    /// Whether some continuation makes this UTF-8: all but a few bytes at the end are, and these can be completed.
    private static func canBecomeText(_ bytes: [UInt8]) -> Bool {
        for cut in 0...min(3, bytes.count) {
            let (whole, rest) = (bytes.dropLast(cut), bytes.suffix(cut))
            guard String(validating: whole, as: UTF8.self) != nil else { continue }
            if rest.isEmpty { return true }
            // A byte more at a time, in the two halves of what a continuation may be.
            return completions(of: Array(rest)).contains { String(validating: $0, as: UTF8.self) != nil }
        }
        return false
    }

    private static func completions(of bytes: [UInt8]) -> [[UInt8]] {
        var found: [[UInt8]] = []
        for count in 1...3 where bytes.count + count <= 4 {
            for second in [0x80, 0x90, 0xA0] as [UInt8] {
                found.append(bytes + [second] + [UInt8](repeating: 0x80, count: count - 1))
            }
        }
        return found
    }
}
