import NIOCore
import RelayCore
import RelayWire
import Testing

@Suite("What the client asks, the server reads")
struct RequestEncoderTests {
    private static func commands() throws -> [ClientCommand] {
        let room = try #require(RoomID("general"))
        let id = MessageID(milliseconds: 5, sequence: 1)
        let alice = try #require(UserID("alice"))
        let utterance = Utterance(
            room: room, type: .action, text: "waves \"\u{1}", nonce: Nonce("n 1"), replyTo: id)
        let plain = Utterance(room: room, type: .message, text: "hi", nonce: nil, replyTo: nil)
        return [
            .hello(HelloClaim(user: alice, name: DisplayName("Älice"))),
            .hello(HelloClaim(user: nil, name: nil, token: "t")),
            .join(room, from: .history(limit: 7)), .join(room, from: .since(id, epoch: 9)),
            .join(room, from: .since(id, epoch: nil)), .leave(room), .send(utterance), .send(plain),
            .history(room, .latest(limit: 3)), .history(room, .after(id, limit: 4)),
            .history(room, .before(id, limit: 5)),
            .who(room), .who(room, OccupantPage(after: alice, limit: 3)), .rooms(),
            .rooms(ConversationPage(after: ConversationPlace(activity: id, room: room), limit: 1)),
            .kick(alice, room: room, reason: "r", span: .seconds(9)),
            .kick(alice, room: nil, reason: "", span: nil), .mute(alice, room: nil, span: .seconds(1)),
            .pardon(alice, room: room), .ping,
        ]
    }

    @Test("Every op comes back as it was asked, with its ref")
    func roundTrip() throws {
        let decoder = CommandDecoder(textBytesMax: 4096)
        for command in try Self.commands() {
            for ref in [Reference.integer(-3), .string("r"), nil] {
                let request = try decoder.decode(RequestEncoder.encode(command, ref: ref))
                #expect(request.command == command)
                #expect(request.ref == ref)
            }
        }
    }

    @Test("A join from a cursor asks for everything after it")
    func cursor() throws {
        let room = try #require(RoomID("general"))
        let id = MessageID(milliseconds: 5, sequence: 1)
        let text = RequestEncoder.encode(.join(room, from: .cursor(ReadCursor(id: id, seq: 4))))
        #expect(String(buffer: text) == #"{"op":"join","room":"general","since":"5-1"}"#)
    }
}
