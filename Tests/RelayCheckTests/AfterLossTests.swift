import RelayCheck
import RelayCore
import Testing

/// What was said after a loss that was caused and told is held to every promise again.
@Suite("The verifier after a declared loss")
struct AfterLossTests {
    /// Redis forgot the room behind number 6, where the story's clean part ends, and goes on at number 7.
    private static let epoch = Story.epoch + 65

    /// Six messages, a loss that is told to both, and four more messages.
    private static func story(_ more: (inout Story) -> Void = { _ in }) -> Story {
        Story.extended { story in
            story.add(.faultBegan(.flushRoom, target: 0))
            for client in 0...1 { story.add(client: client, .rewound(RewoundFact(from: 6, to: 6, epoch: epoch))) }
            for seq: UInt64 in 7...10 { story.say(seq) }
            more(&story)
        }
    }

    @Test("A relay that goes on as promised has no violation")
    func clean() {
        #expect(Self.story().verdict.isEmpty, "\(Self.story().verdict)")
    }

    @Test("A doubled send is found", arguments: [true, false])
    func doubled(hasNonce: Bool) {
        let story = Self.story { story in
            let key = Story.key(11, hasNonce: hasNonce)
            story.add(client: 0, .sent(key, attempt: 1))
            story.put(11, key)
            story.put(12, key)
        }
        #expect(story.rules == [hasNonce ? .nonce : .double], "\(story.verdict)")
    }

    @Test("A send that was tried again and doubled within one epoch is found, and so is its second ack")
    func triedAgain() {
        let twice = Self.story { story in
            story.add(client: 0, .sent(Story.key(11), attempt: 1))
            story.put(11, Story.key(11))
            story.add(client: 0, .sent(Story.key(11), attempt: 2))
            story.put(12, Story.key(11))
        }
        #expect(twice.rules == [.nonce], "\(twice.verdict)")
        var acked = Self.story()
        acked.add(client: 0, .acknowledged(Story.key(9), Story.place(10), isDuplicate: true))
        #expect(acked.rules == [.nonce], "\(acked.verdict)")
    }

    @Test(
        "A send from before the loss that stands once more after it has to be said to have moved", arguments: [0, 1, 2])
    func acrossTheLoss(kind: Int) {
        let story = Self.story { story in
            if kind == 1 { story.add(client: 0, .sent(Story.key(5), attempt: 2)) }
            story.put(11, Story.key(5))
            if kind == 2 {
                let move = RewoundFact.Move(from: Story.place(5), to: Story.place(11))
                story.add(client: 1, .rewound(RewoundFact(from: 10, to: 10, epoch: Self.epoch, moved: [move])))
            }
        }
        // Where the sender tried again, Redis had forgotten the nonce of the first attempt.
        #expect(story.rules == (kind == 0 ? [.nonce] : []), "\(story.verdict)")
    }

    @Test("Another message at a number, an ack of another's place and an id out of order are found")
    func places() {
        var order = Self.story()
        let other = Place(id: MessageID(milliseconds: Story.epoch + 91, sequence: 0), seq: 9)
        order.events[order.hears(1, 9)].fact = .heard(Sighting(place: other, key: Story.key(9), digest: 7))
        #expect(order.rules == [.order], "\(order.verdict)")

        var ack = Self.story()
        ack.events[ack.acknowledges(10)].fact = .acknowledged(Story.key(10), Story.place(9), isDuplicate: false)
        #expect(ack.rules == [.wrongAck], "\(ack.verdict)")
    }

    @Test("A message that is not archived, not stored or in no page is found, as is a gap line about it")
    func missing() {
        var unarchived = Self.story()
        unarchived.events.remove(at: unarchived.archives(9))
        #expect(unarchived.rules == [.unarchived], "\(unarchived.verdict)")

        var gap = Self.story()
        let place = gap.archives(9)
        gap.events[place].fact = .archiveGap(from: 9, to: 9, reason: "missing")
        #expect(gap.rules == [.unarchived], "\(gap.verdict)")

        var missing = Self.story()
        missing.events.remove(at: missing.archives(9))
        missing.events.remove(at: missing.stores(9))
        #expect(missing.rules == [.missing], "\(missing.verdict)")

        var page = Self.story()
        page.events.removeAll {
            if case .paged(let sighting, 1) = $0.fact { sighting.place.seq == 9 } else { false }
        }
        #expect(page.rules == [.hole], "\(page.verdict)")
    }

    @Test("What was said before the loss may be gone from everywhere")
    func before() {
        var story = Self.story()
        for seq: UInt64 in 4...6 {
            story.events.remove(at: story.archives(seq))
            story.events.removeAll {
                if case .paged(let sighting, _) = $0.fact { sighting.place.seq == seq } else { false }
            }
        }
        story.events.remove(at: story.stores(5))
        #expect(story.verdict.isEmpty, "\(story.verdict)")
    }

    @Test("After a trim what was said later is archived or missed", arguments: [5, 9] as [UInt64])
    func trimmed(lacking seq: UInt64) {
        var story = Story.extended { story in
            story.add(.faultBegan(.trim, target: 0))
            story.add(.faultEnded(.trim, target: 0))
            story.pass(milliseconds: 3000)
            for seq: UInt64 in 7...10 { story.say(seq) }
        }
        story.events.remove(at: story.archives(seq))
        #expect(story.rules == (seq == 5 ? [] : [.unarchived]), "\(story.verdict)")
    }
}
