import NIOCore
import RelayDeflate
import RelayWire

/// What must hold of the inflater, whatever a peer calls compressed, and of the deflater for whatever comes out.
enum DeflateProperties {
    /// Small, so that short inputs reach it.
    private static let bytesMax = 4096
    /// For what is longer than that.
    private static let bombBytesMax = 1 << 18
    /// DEFLATE says 258 bytes in two bits at best.
    private static let ratioMax = 1032

    private typealias Outcome = Result<[UInt8], InflateError>

    static func check(_ bytes: [UInt8]) throws {
        let inflater = MessageInflater()
        let payload = ByteBuffer.amidOthers(bytes)
        let outcome = try inflate(payload, by: inflater, bytesMax: bytesMax)
        let model = model(bytes)
        try require(outcome == model, "\(outcome), and by the model \(model)")
        // Nothing is left of one message when the next one comes.
        let another = ByteBuffer(bytes: [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00])
        try require(
            try inflate(another, by: inflater, bytesMax: bytesMax) == .success(Array("Hello".utf8)), "something is left"
        )
        try require(try inflate(payload, by: inflater, bytesMax: bytesMax) == outcome, "it is another one next time")

        switch outcome {
        case .success(let message):
            let same = try inflate(payload, by: inflater, bytesMax: message.count)
            try require(same == outcome, "a bound of just its length: \(same)")
            if message.count > 0 {
                let cut = try inflate(payload, by: inflater, bytesMax: message.count - 1)
                try require(cut == .failure(.tooLong), "a bound of one byte less: \(cut)")
            }
            try deflateAgain(message, inflater)
        case .failure(.tooLong): _ = try inflate(payload, by: inflater, bytesMax: bombBytesMax)
        case .failure(.invalidData): break
        }
    }

    /// What the model makes of it.
    private static func model(_ bytes: [UInt8]) -> Outcome {
        do throws(InflateError) {
            return .success(try InflateModel.inflate(bytes, bytesMax: bytesMax))
        } catch {
            return .failure(error)
        }
    }

    /// What the inflater makes of it; never more than it may, nor more memory.
    private static func inflate(
        _ payload: ByteBuffer, by inflater: MessageInflater, bytesMax: Int
    ) throws -> Outcome {
        let message: ByteBuffer
        do throws(InflateError) {
            message = try inflater.inflate(payload, bytesMax: bytesMax)
        } catch {
            return .failure(error)
        }
        try require(message.readableBytes <= bytesMax, "\(message.readableBytes) bytes, where \(bytesMax) are allowed")
        // Storage comes in powers of two.
        try require(message.capacity <= max(512, 2 * bytesMax + 2), "\(message.capacity) bytes of memory")
        try require(
            message.readableBytes <= (payload.readableBytes + 4) * ratioMax,
            "\(message.readableBytes) bytes out of \(payload.readableBytes)")
        return .success(Array(message.readableBytesView))
    }

    /// What came out, compressed anew, is shorter and comes out the same.
    private static func deflateAgain(_ message: [UInt8], _ inflater: MessageInflater) throws {
        let deflater = MessageDeflater()
        for _ in 0..<2 {
            var frame = ByteBuffer()
            guard deflater.writeFrame(.binary, payload: ByteBuffer(bytes: message), into: &frame) else {
                try require(frame.readableBytes == 0, "a frame that is none")
                return
            }
            let length: UInt8 = frame.getInteger(at: 1) ?? 0
            frame.moveReaderIndex(forwardBy: length < 126 ? 2 : 4)
            try require(frame.readableBytes < message.count, "compressed, and no shorter")
            let again = try inflate(frame, by: inflater, bytesMax: message.count)
            try require(again == .success(message), "\(again) when compressed anew")
        }
    }
}
