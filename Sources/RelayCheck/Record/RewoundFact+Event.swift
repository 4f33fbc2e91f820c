import RelayCore
import RelayWire

extension RewoundFact {
    /// What the event says; `moved` is a list of pairs, `{"from":ID,"to":ID}` or `[ID, ID]`.
    init(_ event: ReceivedEvent) {
        self.init(
            from: event.figure("from_seq") ?? 0, to: event.figure("to_seq") ?? 0, epoch: event.figure("epoch") ?? 0)
        guard let object = try? JSONReader.object(from: event.json), let list = object["moved"]?.elements else {
            return
        }
        moved = list.compactMap { element in
            let pair = element.elements?.compactMap { $0.string } ?? []
            let from = element.object?["from"]?.string ?? element.object?["id"]?.string ?? pair.first
            let to = element.object?["to"]?.string ?? (pair.count > 1 ? pair[1] : nil)
            guard let from = from.flatMap({ MessageID($0) }), let to = to.flatMap({ MessageID($0) }) else { return nil }
            return Move(from: from, to: to)
        }
    }
}
