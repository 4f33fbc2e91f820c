import RelayCore
import RelayWire

extension RewoundFact {
    /// What the event says; `moved` lists `{"id":ID,"seq":N,"to_id":ID,"to_seq":N}`.
    init(_ event: ReceivedEvent) {
        self.init(
            from: event.figure("from_seq") ?? 0, to: event.figure("to_seq") ?? 0, epoch: event.figure("epoch") ?? 0)
        guard let object = try? JSONReader.object(from: event.json), let list = object["moved"]?.elements else {
            return
        }
        moved = list.compactMap { element in
            guard let fields = element.object, let from = Self.place(fields, "id", "seq"),
                let to = Self.place(fields, "to_id", "to_seq")
            else { return nil }
            return Move(from: from, to: to)
        }
    }

    private static func place(_ fields: JSONObject, _ id: String, _ seq: String) -> Place? {
        guard let id = fields[id]?.string.flatMap({ MessageID($0) }), let seq = fields[seq]?.integer, seq > 0 else {
            return nil
        }
        return Place(id: id, seq: UInt64(seq))
    }
}
