import NIOCore
import RelayCheck
import RelayCore
import RelayWire
import Testing

@Suite("What is said, and what is recorded of it")
struct RecordTests {
    private let speech = Speech(seed: 7, mark: "k3y")

    private func message(_ key: SendKey, text: String? = nil) throws -> Message {
        let user = try #require(UserID(Speech.user(ofClient: Int(key.client))))
        let draft = MessageDraft(
            room: try #require(RoomID("check:7:1")), user: user, name: try #require(DisplayName("x")),
            text: text ?? speech.text(of: key), nonce: speech.nonce(of: key).flatMap { Nonce($0) })
        return Message(id: MessageID(milliseconds: 5, sequence: 0), seq: 1, draft: draft)
    }

    @Test("A text tells whose it is, and is another one for each send and run")
    func texts() {
        var texts: Set<String> = []
        for client in [0, 3, 499] {
            for number: UInt32 in 1...200 {
                for hasNonce in [true, false] {
                    let key = SendKey(client: client, number: number, hasNonce: hasNonce)
                    #expect(speech.key(ofText: speech.text(of: key)) == key)
                    #expect(speech.text(of: key).utf8.count <= 4096)
                    texts.insert(speech.text(of: key))
                }
            }
        }
        #expect(texts.count == 1200)
        for stranger in ["", "k3y", "k3y x", "k3y c1", "k3y c1x2", "other c1n2 a", "k3y c1n-2"] {
            #expect(speech.key(ofText: stranger) == nil, "\(stranger)")
        }
    }

    @Test("What was altered on the way is seen")
    func alterations() throws {
        let key = SendKey(client: 2, number: 9, hasNonce: true)
        let right = try message(key)
        let envelope = EnvelopeEncoder.envelope(of: right)
        #expect(!speech.sighting(of: right, envelope: envelope).isAltered)
        var wrong = right
        wrong.draft.text += "!"
        #expect(speech.sighting(of: wrong, envelope: envelope).isAltered)
        wrong = right
        wrong.draft.nonce = nil
        #expect(speech.sighting(of: wrong, envelope: envelope).isAltered)
        wrong = right
        wrong.draft.user = try #require(UserID("check-1"))
        #expect(speech.sighting(of: wrong, envelope: envelope).isAltered)
        let foreign = speech.sighting(of: try message(key, text: "hello"), envelope: envelope)
        #expect(foreign.key == nil)
        #expect(Speech.digest(of: envelope) != Speech.digest(of: ByteBuffer(string: "{}")))
    }

    @Test("The history of a violation is short, in order, and about nothing else")
    func history() throws {
        var story = Story.clean()
        story.events.remove(at: story.hears(1, 4))
        var record = EventRecord()
        for event in story.events { record.append(event) }
        let violation = try #require(story.verdict.first)
        let history = record.history(of: violation.focus)
        #expect(history.count <= EventRecord.linesMax)
        #expect(zip(history, history.dropFirst()).allSatisfy { $0.at <= $1.at })
        let facts = history.map(\.fact)
        // The reader came in, had 3, and then had 5; meanwhile 4 was stored and acknowledged.
        #expect(facts.contains(.joined(Story.joined(seq: 0))))
        #expect(facts.contains(.heard(Story.sighting(3, Story.key(3)))))
        #expect(facts.contains(.heard(Story.sighting(5, Story.key(5)))))
        #expect(facts.contains(.stored(Story.sighting(4, Story.key(4)))))
        #expect(facts.contains(.acknowledged(Story.key(4), Story.place(4), isDuplicate: false)))
        #expect(!facts.contains(.heard(Story.sighting(1, Story.key(1)))))
        #expect(history.allSatisfy { $0.client != 0 || $0.fact != .opened(edge: 0) })
        let lines = history.map { EventText(rooms: [RoomID("check:7:1")].compactMap { $0 }).line($0) }
        #expect(lines.contains { $0.contains("hears number 5") && $0.contains("client 1/2") })
    }

    @Test("The record is bounded, and the newest events are in it")
    func bound() {
        var record = EventRecord(sightingsMax: 10, othersMax: 10)
        for seq: UInt64 in 1...100 {
            record.append(CheckEvent(at: UInt32(seq), room: 0, .stored(Story.sighting(seq, nil))))
        }
        let focus = Violation.Focus(room: 0, seqs: 1...100)
        #expect(record.history(of: focus).map(\.at) == Array(91...100))
    }

    @Test("The report names what broke, and what was not looked at")
    func report() throws {
        let recorder = CheckRecorder(rooms: 1, edges: 2)
        let key = SendKey(client: 0, number: 1, hasNonce: true)
        recorder.record(client: 0, session: 1, .opened(edge: 0))
        recorder.record(room: 0, client: 0, session: 1, .sent(key, attempt: 1))
        recorder.record(room: 0, client: 0, session: 1, .acknowledged(key, Story.place(1), isDuplicate: false))
        let setting = CheckReport.Setting(
            seed: 42, edges: 2, rooms: [RoomID("check:42:1")].compactMap { $0 }, clients: 1, duration: .seconds(1),
            hasArchive: false)
        let report = recorder.conclude(setting, endings: [RoomVerifier.Ending(hasArchive: false, lastSeq: 1)])
        #expect(!report.isClean)
        let text = report.lines().joined(separator: "\n")
        #expect(text.contains("seed        42"))
        #expect(text.contains("BROKEN: missing 1"))
        #expect(
            text.contains("guarantee 1, missing in check:42:1: c0n1 was acknowledged as number 1 and is not there."))
        #expect(text.contains("sends c0n1"))
        let object = try JSONReader.object(from: report.json())
        #expect(object["ok"]?.bool == false)
        #expect(object["seed"]?.integer == 42)
        let finding = try #require(object["violations"]?.elements?.first?.object)
        #expect(finding["rule"]?.string == "missing")
        #expect((finding["history"]?.elements?.count ?? 0) == 2)
    }
}
