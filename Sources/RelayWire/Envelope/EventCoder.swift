public import NIOCore
public import RelayCore

/// Writes live-only events, and judges what comes over a room's channel without being a message.
public enum EventCoder {
    /// The JSON object of an event: `type room user name text target change`, its figures, `moved` where messages were,
    /// then `edge` where an edge says it.
    public static func encode(_ event: LiveEvent, edge: EdgeID?) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: 160)
        buffer.writeJSONObject { object in
            object.string("type", event.kind.rawValue)
            object.string("room", event.room.description)
            if let user = event.user { object.string("user", user.description) }
            if let name = event.name { object.string("name", name.description) }
            if let text = event.text { object.string("text", text) }
            if let target = event.target { object.string("target", target.description) }
            if let change = event.change { object.string("change", change.rawValue) }
            for figure in event.figures { object.integer(figure.key, figure.value) }
            if !event.moved.isEmpty {
                object.array("moved") { array in
                    for message in event.moved {
                        array.object { write(message, to: &$0) }
                    }
                }
            }
            if let edge { object.string("edge", edge.description) }
        }
        return buffer
    }

    private static func write(_ message: MovedMessage, to object: inout JSONObjectWriter) {
        object.string("id", message.id.description)
        object.integer("seq", message.seq)
        object.string("to_id", message.toID.description)
        object.integer("to_seq", message.toSeq)
    }

    /// What a payload without an envelope's head is.
    public enum Verdict: Equatable {
        /// An event of that edge: to be passed on as it is.
        case event(LiveEvent.Kind, edge: EdgeID)
        /// How many are in a large room by now: to be passed on as it is.
        case crowd(Int, edge: EdgeID)
        /// The room is another than it was: to be passed on as it is, and to be looked at anew.
        case changed(LiveEvent.Change, edge: EdgeID)
        /// Edges put back what Redis lost: the stream is to be read, and there is nothing to pass on.
        case restored
        /// Published by hand: to be passed on in these bytes, marked `"foreign":true`.
        case foreign(ByteBuffer)
        /// Nothing that a client should see.
        case rejected
    }

    /// Judges a payload: an event is a JSON object of a live-only type, without `id` and `seq`.
    public static func judge(_ payload: ByteBuffer) -> Verdict {
        guard let object = try? JSONReader.object(from: payload, depthMax: Limits.jsonDepthMax),
            let kind = (try? object.string("type")).flatMap({ $0 }).flatMap(LiveEvent.Kind.init(rawValue:)),
            !object.isPresent("id"), !object.isPresent("seq")
        else { return .rejected }
        if let edge = try? object.string("edge"), !edge.isEmpty {
            if kind == .join, let count = (try? object.integer("count")).flatMap({ $0 }) {
                return .crowd(Int(clamping: max(0, count)), edge: EdgeID(edge))
            }
            if kind == .notice, let name = (try? object.string("change")).flatMap({ $0 }),
                let change = LiveEvent.Change(rawValue: name)
            {
                return .changed(change, edge: EdgeID(edge))
            }
            // Who names no message says nothing that clients are not told by their own edge, with exact numbers.
            return kind == .rewound && !object.isPresent("moved") ? .restored : .event(kind, edge: EdgeID(edge))
        }
        var marked = ByteBufferAllocator().buffer(capacity: payload.readableBytes + 16)
        marked.writeJSONObject { writer in
            for key in object.keys where key != "foreign" {
                if let value = object[key] { writer.json(key, value.json) }
            }
            writer.bool("foreign", true)
        }
        return .foreign(marked)
    }
}
