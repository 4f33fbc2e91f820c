/// What a person pressed.
enum Key: Equatable {
    case character(Character)
    case enter
    case backspace
    case delete
    case left
    case right
    case home
    case end
    /// A letter with the control key, `a` to `z`.
    case control(Character)
}

/// Turns the bytes of a terminal into keys: UTF-8, control bytes and the escape sequences of arrows and the like.
///
/// What it does not know is passed over. A sequence is at most 16 bytes; what is longer is no sequence.
struct KeyDecoder {
    private enum State {
        /// Exits: text, escape.
        case ground
        /// Within a character of UTF-8. Exits: ground.
        case text([UInt8], missing: Int)
        /// After ESC. Exits: ground, sequence.
        case escape
        /// After ESC `[` or ESC `O`. Exits: ground.
        case sequence([UInt8])
    }

    private static let sequenceBytesMax = 16
    private var state = State.ground

    /// The key that is complete with this byte, if any.
    mutating func byteReceived(_ byte: UInt8) -> Key? {
        switch state {
        case .ground: return ground(byte)
        case .text(let bytes, let missing):
            guard byte & 0xC0 == 0x80 else {
                state = .ground
                return ground(byte)
            }
            guard missing == 1 else {
                state = .text(bytes + [byte], missing: missing - 1)
                return nil
            }
            state = .ground
            return String(validating: bytes + [byte], as: UTF8.self).flatMap(\.first).map(Key.character)
        case .escape:
            let opens = byte == UInt8(ascii: "[") || byte == UInt8(ascii: "O")
            state = opens ? .sequence([]) : .ground
            return nil
        case .sequence(let bytes):
            guard (0x40...0x7e).contains(byte) else {
                state = bytes.count < Self.sequenceBytesMax ? .sequence(bytes + [byte]) : .ground
                return nil
            }
            state = .ground
            return key(ending: byte, parameters: bytes)
        }
    }

    private mutating func ground(_ byte: UInt8) -> Key? {
        switch byte {
        case 0x0d, 0x0a: return .enter
        case 0x7f, 0x08: return .backspace
        case 0x1b:
            state = .escape
            return nil
        case 0x01...0x1a: return .control(Character(Unicode.Scalar(byte + 0x60)))
        case 0x20...0x7e: return .character(Character(Unicode.Scalar(byte)))
        case 0xc2...0xdf: state = .text([byte], missing: 1)
        case 0xe0...0xef: state = .text([byte], missing: 2)
        case 0xf0...0xf4: state = .text([byte], missing: 3)
        default: break
        }
        return nil
    }

    private func key(ending byte: UInt8, parameters: [UInt8]) -> Key? {
        switch byte {
        case UInt8(ascii: "C"): return .right
        case UInt8(ascii: "D"): return .left
        case UInt8(ascii: "H"): return .home
        case UInt8(ascii: "F"): return .end
        case UInt8(ascii: "~"):
            switch parameters.first {
            case UInt8(ascii: "1"), UInt8(ascii: "7"): return .home
            case UInt8(ascii: "3"): return .delete
            case UInt8(ascii: "4"), UInt8(ascii: "8"): return .end
            default: return nil
            }
        default: return nil
        }
    }
}
