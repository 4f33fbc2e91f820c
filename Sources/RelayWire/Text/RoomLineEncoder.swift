public import NIOCore
public import RelayCore

/// Makes lines for people of what rooms say: of envelopes and events as they travel.
///
/// Whatever is in them, a line has no control character but the bell that it is meant to have, and no line break.
public enum RoomLineEncoder {
    /// The line of a message as `reader` sees it; nil for what is none.
    public static func line(of envelope: ByteBuffer, for reader: UserID?) -> String? {
        guard let received = try? ServerFrameDecoder.message(from: envelope) else { return nil }
        let draft = received.message.draft
        return received.isDeleted ? ChatLine.deleted(draft) : ChatLine.text(of: draft, for: reader)
    }

    /// The line of an event, and whose coming or going it tells; nil where people see nothing of it.
    ///
    /// What somebody published by hand may lack or bend any field: such a one counts as absent.
    public static func line(ofEvent json: ByteBuffer) -> (line: String, about: UserID?)? {
        guard let object = try? JSONReader.object(from: json, depthMax: Limits.jsonDepthMax),
            let kind = object["type"]?.string.flatMap({ LiveEvent.Kind(rawValue: $0) })
        else { return nil }
        // Which room it is of says the channel; in the line it does not stand.
        let event = ServerFrameDecoder.event(kind, in: object, room: .general)
        guard let line = ChatLine.text(of: event) else { return nil }
        return (line, kind == .join || kind == .leave ? event.user : nil)
    }

    /// The lines that a typed command is answered with, the same in both formats.
    public static func lines(of answer: TypedAnswer) -> [String] {
        let reader = answer.reader
        switch answer.content {
        case .help: return SlashCommand.helpLines
        case .people(let occupants): return [ChatLine.people(occupants.map(\.user))]
        case .entered(let room, let occupants, let frames):
            return [ChatLine.welcome(reader, to: room, occupants.map(\.user))]
                + frames.compactMap { line(of: $0.envelope, for: reader.user) }
        case .left(let room): return ["*** You have left \(room)."]
        case .rooms(let rooms): return rooms.map(ChatLine.room)
        case .topic(let room, let topic): return [ChatLine.topic(topic, of: room)]
        case .topicSet(let room, let topic):
            let draft = MessageDraft(room: room, type: .topic, user: reader.user, name: reader.name, text: topic)
            return [ChatLine.text(of: draft, for: reader.user)]
        case .messages(let page):
            let lines = lines(of: page, for: reader.user)
            return lines.isEmpty ? ["*** Nothing is there to read."] : lines
        }
    }

    /// The lines of a page of history.
    public static func lines(of page: HistoryPage, for reader: UserID) -> [String] {
        page.frames.compactMap { line(of: $0.shown(without: page.deleted).envelope, for: reader) }
    }
}
