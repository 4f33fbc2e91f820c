import RelayCheck
import RelayCore
import Testing

@Suite("The verifier")
struct VerifierTests {
    @Test("A run in which all is well has no violation")
    func clean() {
        #expect(Story.clean().verdict.isEmpty)
    }

    @Test(
        "Whatever breaks one promise is found, and nothing else",
        arguments: Breakage.ofMessages + Breakage.ofSends + Breakage.ofReaders)
    func broken(_ breakage: Breakage) {
        var story = Story.clean()
        breakage.apply(&story)
        #expect(story.rules == [breakage.rule], "\(story.verdict)")
    }

    @Test("Every rule has a record that breaks it")
    func all() {
        let rules = Set((Breakage.ofMessages + Breakage.ofSends + Breakage.ofReaders).map(\.rule))
        #expect(rules == Set(CheckRule.allCases))
    }

    @Test("A loss that is real and exactly told is no violation")
    func realLoss() {
        var lagged = Story.clean()
        lagged.events[lagged.hears(1, 4)].fact = .lagged(from: 4, to: 4, count: 1)
        lagged.gone(below: 5)
        #expect(lagged.verdict.isEmpty)

        var trimmed = Story.clean()
        trimmed.rejoin(Story.joined(seq: 6, count: 1, isRecovered: false)) {
            $0.add(client: 1, .heard(Story.sighting(6, Story.key(6))))
        }
        trimmed.gone(below: 6)
        #expect(trimmed.verdict.isEmpty)
    }

    @Test("What comes of a fault that loses messages is accounted for")
    func declaredRewind() {
        var story = Story.clean()
        story.add(.faultBegan(.flushRoom, target: 0))
        let new = Story.epoch + 95
        for client in 0...1 { story.add(client: client, .rewound(RewoundFact(from: 6, to: 5, epoch: new))) }
        story.add(client: 0, .sent(Story.key(7), attempt: 1))
        let other = Place(id: MessageID(milliseconds: Story.epoch + 99, sequence: 0), seq: 6)
        let sighting = Sighting(place: other, key: Story.key(7), digest: 5)
        for client in 0...1 { story.add(client: client, .heard(sighting)) }
        for fact in [CheckFact.stored(sighting), .archived(sighting)] { story.add(fact) }
        #expect(story.verdict.isEmpty)
    }

    @Test("A message that was put back has to be where it is said to be", arguments: [true, false])
    func moves(isTrue: Bool) {
        var story = Story.clean()
        story.add(.faultBegan(.flushRoom, target: 0))
        let to = Place(id: MessageID(milliseconds: Story.epoch + 99, sequence: 0), seq: 7)
        let move = RewoundFact.Move(from: Story.place(6), to: to)
        story.add(client: 1, .rewound(RewoundFact(from: 6, to: 7, epoch: Story.epoch + 95, moved: [move])))
        let key = isTrue ? Story.key(6) : Story.key(5)
        let sighting = Sighting(place: to, key: key, digest: 9)
        for client in 0...1 { story.add(client: client, .heard(sighting)) }
        for fact in [CheckFact.stored(sighting), .archived(sighting)] { story.add(fact) }
        #expect(story.rules == (isTrue ? [] : [.falseRewind]), "\(story.verdict)")
    }

    @Test("A session may end by a drain's word, by its edge's death, and after it read nothing for a while")
    func excusedEnds() {
        var drained = Story.clean()
        drained.add(.faultBegan(.restartEdge, target: 1), inRoom: false)
        drained.add(client: 1, .closed(.relay(code: 4000)), inRoom: false)
        drained.add(.edgeEnded(edge: 1, status: 0), inRoom: false)
        #expect(drained.verdict.isEmpty)

        var killed = Story.clean()
        killed.add(.faultBegan(.killEdge, target: 1), inRoom: false)
        killed.add(client: 1, .closed(.lost), inRoom: false)
        #expect(killed.verdict.isEmpty)

        var elsewhere = Story.clean()
        elsewhere.add(.faultBegan(.killEdge, target: 0), inRoom: false)
        elsewhere.add(client: 1, .closed(.lost), inRoom: false)
        #expect(elsewhere.rules == [.closed])

        var stalled = Story.clean()
        stalled.add(client: 1, .stalled, inRoom: false)
        stalled.add(client: 1, .closed(.relay(code: 4003)), inRoom: false)
        #expect(stalled.verdict.isEmpty)
    }

    @Test("A send that was never acknowledged may be there or not")
    func unknownFate() {
        var story = Story.extended { story in
            story.add(client: 0, .sent(Story.key(7, hasNonce: false), attempt: 1))
            story.add(client: 0, .sent(Story.key(8, hasNonce: false), attempt: 1))
            story.put(7, Story.key(8, hasNonce: false))
        }
        #expect(story.verdict.isEmpty)
        story.ending.hasArchive = false
        #expect(story.verdict.isEmpty)
    }
}
