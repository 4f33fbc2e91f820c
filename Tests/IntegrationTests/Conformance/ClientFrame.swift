import NIOCore
import RelayWire

/// Frames as a client sends them, good and bad.
enum ClientFrame {
    /// One masked frame.
    ///
    /// - Parameters:
    ///   - first: FIN, the reserved bits and the opcode.
    ///   - count: what the header says the length is; nil for the truth.
    static func frame(_ first: UInt8, _ payload: ByteBuffer, announcing count: Int? = nil) -> ByteBuffer {
        let count = count ?? payload.readableBytes
        var bytes = ByteBuffer()
        bytes.writeInteger(first)
        switch count {
        case ..<126: bytes.writeInteger(0x80 | UInt8(count))
        case ...0xFFFF: bytes.writeMultipleIntegers(0x80 | UInt8(126), UInt16(count))
        default: bytes.writeMultipleIntegers(0x80 | UInt8(127), UInt64(count))
        }
        let key: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
        bytes.writeBytes(key)
        // Masking long payloads byte by byte would take longer than all the rest: these have the key 0.
        guard payload.readableBytes <= 4096 else {
            bytes.moveWriterIndex(to: bytes.writerIndex - 4)
            bytes.writeInteger(UInt32(0))
            bytes.writeImmutableBuffer(payload)
            return bytes
        }
        bytes.writeBytes(payload.readableBytesView.enumerated().map { $1 ^ key[$0 & 3] })
        return bytes
    }

    static func frame(_ first: UInt8, _ payload: [UInt8] = []) -> ByteBuffer {
        frame(first, ByteBuffer(bytes: payload))
    }

    static func frame(_ first: UInt8, _ payload: String) -> ByteBuffer { frame(first, ByteBuffer(string: payload)) }

    static func text(_ payload: String) -> ByteBuffer { frame(0x81, payload) }

    static func close(_ code: UInt16? = nil, _ reason: [UInt8] = []) -> ByteBuffer {
        frame(0x88, (code.map { [UInt8($0 >> 8), UInt8($0 & 0xFF)] } ?? []) + reason)
    }

    /// A message in fragments of at most so many bytes.
    ///
    /// - Parameter between: bytes that go between all of them.
    static func fragments(
        _ first: UInt8, _ payload: ByteBuffer, of bytesMax: Int, between: ByteBuffer = ByteBuffer()
    ) -> ByteBuffer {
        var bytes = ByteBuffer()
        bytes.reserveCapacity(payload.readableBytes + 14 * (payload.readableBytes / bytesMax + 1))
        var rest = payload
        var opcode = first & 0x7F
        repeat {
            let part = rest.readSlice(length: min(bytesMax, rest.readableBytes)) ?? ByteBuffer()
            bytes.writeImmutableBuffer(frame(opcode | (rest.readableBytes == 0 ? 0x80 : 0), part))
            if rest.readableBytes > 0 { bytes.writeImmutableBuffer(between) }
            opcode = 0
        } while rest.readableBytes > 0
        return bytes
    }
}

extension ByteBuffer {
    /// Several buffers one after another.
    static func joined(_ parts: [ByteBuffer]) -> ByteBuffer {
        var whole = ByteBuffer()
        for part in parts { whole.writeImmutableBuffer(part) }
        return whole
    }
}
