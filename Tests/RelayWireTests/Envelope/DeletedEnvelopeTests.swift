import NIOCore
import RelayCore
import RelayWire
import Testing

@Suite("A deleted message in answers")
struct DeletedEnvelopeTests {
    private func frame(_ seq: UInt64, _ type: MessageType, target: UInt64? = nil, text: String) throws -> StoredFrame {
        let user = try #require(UserID("alice"))
        let draft = MessageDraft(
            room: try #require(RoomID("type:edit")), type: type, user: user,
            name: try #require(DisplayName(#"A "type":"delete""#)), text: text,
            target: target.map { MessageID(milliseconds: $0, sequence: 0) })
        let message = Message(id: MessageID(milliseconds: seq, sequence: 0), seq: seq, draft: draft)
        return StoredFrame(id: message.id, seq: seq, envelope: EnvelopeEncoder.envelope(of: message))
    }

    @Test("is shown without its text, its keys in their order, and its edits with it")
    func shown() throws {
        let said = try frame(1, .message, text: "secret")
        let edited = try frame(2, .edit, target: 1, text: "also secret")
        let other = try frame(3, .message, text: #"{"type":"edit"}"#)
        let deleted: Set<MessageID> = [said.id]
        let name = #""name":"A \"type\":\"delete\"""#
        #expect(
            String(buffer: said.shown(without: deleted).envelope)
                == #"{"id":"1-0","seq":1,"ts":1,"room":"type:edit","type":"message","user":"alice","#
                + name + #","text":"","deleted":true}"#)
        #expect(
            String(buffer: edited.shown(without: deleted).envelope)
                == #"{"id":"2-0","seq":2,"ts":2,"room":"type:edit","type":"edit","user":"alice","#
                + name + #","text":"","target":"1-0","deleted":true}"#)
        #expect(other.shown(without: deleted) == other)
        #expect(edited.shown(without: [other.id]) == edited)
        #expect(said.shown(without: []) == said)
    }

    @Test("What edits and deletes is known by its type alone")
    func amendments() throws {
        #expect(try frame(2, .edit, target: 1, text: "x").amendment?.type == .edit)
        #expect(try frame(2, .delete, target: 1, text: "").amendment?.type == .delete)
        #expect(try frame(2, .delete, target: 1, text: "").amendment?.target == MessageID(milliseconds: 1, sequence: 0))
        for type in [MessageType.message, .action, .direct, .topic] {
            #expect(try frame(2, type, target: 1, text: "x").amendment == nil)
        }
        let short = StoredFrame(id: .zero, seq: 1, envelope: ByteBuffer(string: #"{"id":"1-0""#))
        #expect(short.amendment == nil)
    }
}
