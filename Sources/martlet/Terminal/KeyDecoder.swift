/// What a person pressed.
enum Key: Equatable {
    case character(Character)
    case enter
    case tab
    case backTab
    case backspace
    case delete
    case left
    case right
    case wordLeft
    case wordRight
    case up
    case down
    case pageUp
    case pageDown
    case home
    case end
    /// What follows was pasted, up to `pasteEnd`.
    case pasteBegin
    case pasteEnd
    /// A letter with the control key, `a` to `z`.
    case control(Character)
    /// A key with the alt key: a letter, a digit, or DEL.
    case alt(Character)
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
    private var last: UInt8 = 0

    /// The key that is complete with this byte, if any.
    mutating func byteReceived(_ byte: UInt8) -> Key? {
        defer { last = byte }
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
        case .escape: return afterEscape(byte)
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
        // The end of a line that was pasted may be both.
        case 0x0a where last == 0x0d: return nil
        case 0x0d, 0x0a: return .enter
        case 0x09: return .tab
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

    private mutating func afterEscape(_ byte: UInt8) -> Key? {
        switch byte {
        case UInt8(ascii: "["), UInt8(ascii: "O"):
            state = .sequence([])
            return nil
        // Pressed by itself, and then something else.
        case 0x1b: return nil
        case 0x21...0x7f:
            state = .ground
            return .alt(Character(Unicode.Scalar(byte)))
        default:
            state = .ground
            return nil
        }
    }

    private func key(ending byte: UInt8, parameters: [UInt8]) -> Key? {
        // `1;5C` is an arrow with the control key, `1;3C` with alt.
        let isWithModifier = parameters.starts(with: Array("1;5".utf8)) || parameters.starts(with: Array("1;3".utf8))
        switch byte {
        case UInt8(ascii: "A"): return .up
        case UInt8(ascii: "B"): return .down
        case UInt8(ascii: "C"): return isWithModifier ? .wordRight : .right
        case UInt8(ascii: "D"): return isWithModifier ? .wordLeft : .left
        case UInt8(ascii: "H"): return .home
        case UInt8(ascii: "F"): return .end
        case UInt8(ascii: "Z"): return .backTab
        case UInt8(ascii: "~"):
            switch String(decoding: parameters, as: UTF8.self) {
            case "1", "7": return .home
            case "3": return .delete
            case "4", "8": return .end
            case "5": return .pageUp
            case "6": return .pageDown
            case "200": return .pasteBegin
            case "201": return .pasteEnd
            default: return nil
            }
        default: return nil
        }
    }
}
