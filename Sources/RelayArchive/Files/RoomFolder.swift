public import RelayCore

/// The name of a room's folder: all of its id but `A-Za-z0-9._@-` percent-encoded, so that `dm:alice+bob` is
/// `dm%3Aalice%2Bbob`.
public enum RoomFolder {
    /// The name of the folder. No room id begins with a dot, so no name is `.`, `..` or hidden.
    public static func name(of room: RoomID) -> String {
        var name = ""
        for byte in room.description.utf8 {
            if isPlain(byte) {
                name.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                name += "%" + (digits.utf8.count < 2 ? "0" : "") + digits
            }
        }
        return name
    }

    /// The room whose folder has this name; nil for any other name, also for one that `name(of:)` would write
    /// differently.
    public static func room(named name: String) -> RoomID? {
        var bytes: [UInt8] = []
        var rest = name.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%") {
                guard let digits = String(rest.prefix(2)), digits.utf8.count == 2, let value = UInt8(digits, radix: 16)
                else { return nil }
                rest = rest.dropFirst(2)
                bytes.append(value)
            } else {
                bytes.append(byte)
            }
        }
        guard let text = String(validating: bytes, as: UTF8.self), let room = RoomID(text), Self.name(of: room) == name
        else { return nil }
        return room
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "@"),
            UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
