import NIOCore
import RelayWire

/// Raw frames, valid or not, for the tests of the decoder.
enum RawFrame {
    static let key: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]

    /// A masked frame with the shortest length encoding. `first` is the whole first byte.
    static func masked(_ first: UInt8, _ payload: [UInt8]) -> [UInt8] {
        let count = payload.count
        var frame = [first]
        if count < 126 {
            frame.append(0x80 | UInt8(count))
        } else if count <= 0xFFFF {
            frame += [0x80 | 126, UInt8(count >> 8), UInt8(count & 0xFF)]
        } else {
            frame.append(0x80 | 127)
            frame += (0..<8).map { UInt8(truncatingIfNeeded: count >> (56 - 8 * $0)) }
        }
        frame += key
        frame += payload.enumerated().map { $1 ^ key[$0 % 4] }
        return frame
    }

    static func masked(_ first: UInt8, _ payload: String) -> [UInt8] { masked(first, Array(payload.utf8)) }

    /// A masked close frame.
    static func close(_ code: UInt16, _ reason: [UInt8] = []) -> [UInt8] {
        masked(0x88, [UInt8(code >> 8), UInt8(code & 0xFF)] + reason)
    }
}

/// All events that these pieces, fed one after another, give.
func decodeFrames(
    _ pieces: [ArraySlice<UInt8>], role: FrameRole = .server, messageBytesMax: Int = 65536
) -> [FrameEvent] {
    var decoder = FrameDecoder(role: role, messageBytesMax: messageBytesMax)
    var events: [FrameEvent] = []
    for piece in pieces {
        var buffer = ByteBuffer(bytes: piece)
        decoder.append(&buffer)
        while let event = decoder.next() { events.append(event) }
    }
    return events
}

/// All events that these bytes, fed at once, give.
func decodeFrames(
    _ bytes: [UInt8], role: FrameRole = .server, messageBytesMax: Int = 65536
) -> [FrameEvent] {
    decodeFrames([bytes[...]], role: role, messageBytesMax: messageBytesMax)
}

/// A reproducible sequence of random numbers.
struct WireRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// Text of up to `countMax` characters of all UTF-8 lengths, plain ASCII most often.
    mutating func text(countMax: Int) -> String {
        var scalars = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...countMax, using: &self) {
            let range: ClosedRange<UInt32> =
                switch UInt8.random(in: 0...9, using: &self) {
                case 0: 0x00...0x1F
                case 1: 0x80...0x7FF
                case 2: 0x800...0xFFFF
                case 3: 0x10000...0x10FFFF
                default: 0x20...0x7F
                }
            scalars.append(Unicode.Scalar(UInt32.random(in: range, using: &self)) ?? "\u{FFFD}")
        }
        return String(scalars)
    }
}
