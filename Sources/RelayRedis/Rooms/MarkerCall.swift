internal import NIOCore
internal import RedisProtocol
internal import RelayCore

/// The arguments of `markers.lua` (rooms that a list may hold, the user's channel or nothing, the event for where a
/// marker moved, then room, id and seq of each), and what lists hold.
enum MarkerCall {
    static func arguments(
        _ markers: some Sequence<(key: RoomID, value: ReadMarker)>, channelName: String = "",
        event: ByteBuffer = ByteBuffer()
    ) -> RedisArguments {
        var arguments = RedisArguments()
        arguments.append(Limits.conversationsMax)
        arguments.append(channelName)
        arguments.append(event)
        for (room, marker) in markers {
            arguments.append(room.description)
            arguments.append(marker.id.description)
            arguments.append(String(marker.seq))
        }
        return arguments
    }

    /// The rooms of a list; fields that somebody wrote by hand and that cannot be read are left out.
    static func list(_ reply: RESPValue) -> [(room: RoomID, marker: ReadMarker)] {
        let flat = reply.array ?? []
        return stride(from: 0, to: flat.count - 1, by: 2).compactMap { index in
            guard let room = flat[index].string.flatMap({ RoomID($0) }),
                let marker = flat[index + 1].string.flatMap(marker)
            else { return nil }
            return (room, marker)
        }
    }

    /// A marker as it stands in a list: `ID SEQ`.
    static func marker(_ text: String) -> ReadMarker? {
        let parts = text.split(separator: " ")
        guard parts.count == 2, let id = MessageID(parts[0]), let seq = UInt64(parts[1]) else { return nil }
        return ReadMarker(id: id, seq: seq)
    }
}
