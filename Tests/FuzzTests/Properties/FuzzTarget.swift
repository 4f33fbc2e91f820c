import NIOCore
import RelayDeflate

/// What is fuzzed: one parser of bytes from outside, with what must hold of whatever it is given.
///
/// The properties are the same under libFuzzer (`deploy/fuzz`) and in the ordinary tests, which try each file of the
/// corpus, so that an input that broke one once is tried for ever.
enum FuzzTarget: String, CaseIterable, Sendable {
    /// WebSocket frames, at both ends.
    case frames
    /// WebSocket frames where compression was agreed, at both ends.
    case compressed
    /// What such frames carry.
    case deflate
    /// JSON texts.
    case json
    /// What JSON clients send, and what people type into it.
    case commands
    /// What the relay sends, read by clients and by edges.
    case envelopes
    /// Replies of Redis.
    case resp
    /// Segments and manifests of the archive.
    case archive

    /// Tries everything that must hold for this input.
    ///
    /// - Throws: `BrokenProperty`, with what does not hold.
    func check(_ bytes: [UInt8]) throws {
        switch self {
        case .frames: try FrameProperties(inflater: nil).check(bytes)
        case .compressed: try FrameProperties(inflater: MessageInflater()).check(bytes)
        case .deflate: try DeflateProperties.check(bytes)
        case .json: try JSONProperties.check(bytes)
        case .commands: try CommandProperties.check(bytes)
        case .envelopes: try EnvelopeProperties.check(bytes)
        case .resp: try RESPProperties.check(bytes)
        case .archive: try ArchiveProperties.check(bytes)
        }
    }
}

/// Something that must hold for every input, and does not for this one.
struct BrokenProperty: Error, CustomStringConvertible {
    var description: String
}

/// Throws where `holds` is false.
func require(_ holds: Bool, _ otherwise: @autoclosure () -> String) throws {
    guard holds else { throw BrokenProperty(description: otherwise()) }
}

/// Where inputs are cut: everywhere where they are short, else at sixteen places that the input itself decides, so that
/// a finding is found again, and byte by byte.
struct Cuts {
    private static let shortBytesMax = 40

    /// Every way to cut, as the pieces in order; the whole is not among them.
    static func pieces(of bytes: [UInt8]) -> [[ArraySlice<UInt8>]] {
        var ways = places(in: bytes).map { [bytes[..<$0], bytes[$0...]] }
        ways.append(bytes.indices.map { bytes[$0...$0] })
        return ways
    }

    /// Offsets from 0 to the length.
    static func places(in bytes: [UInt8]) -> [Int] {
        if bytes.count <= shortBytesMax { return Array(0...bytes.count) }
        // FNV-1a, and the numbers that follow from it.
        var state = bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return (0..<16).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % (bytes.count + 1)
        }
    }
}

extension ByteBuffer {
    /// The same bytes in the middle of others, which nobody may look at.
    static func amidOthers(_ bytes: [UInt8]) -> ByteBuffer {
        var buffer = ByteBuffer(bytes: Array("\"}]".utf8) + bytes + Array("\"}]0".utf8))
        buffer.moveReaderIndex(forwardBy: 3)
        return buffer.getSlice(at: buffer.readerIndex, length: bytes.count) ?? ByteBuffer()
    }
}
