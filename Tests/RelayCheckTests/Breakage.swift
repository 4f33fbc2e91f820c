import RelayCheck
import RelayCore
import Testing

/// One way of breaking a guarantee.
struct Breakage: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let rule: CheckRule
    let apply: @Sendable (inout Story) -> Void

    init(_ description: String, _ rule: CheckRule, _ apply: @escaping @Sendable (inout Story) -> Void) {
        testDescription = description
        self.rule = rule
        self.apply = apply
    }

    static let ofMessages = [
        Breakage("two sessions have another message at one number", .order) { story in
            let other = Place(id: MessageID(milliseconds: Story.epoch + 31, sequence: 0), seq: 3)
            let sighting = Sighting(place: other, key: Story.key(3), digest: 7)
            story.events[story.hears(1, 3)].fact = .heard(sighting)
        },
        Breakage("an id that lies below the one before it", .density) { story in
            let low = Place(id: MessageID(milliseconds: Story.epoch + 5, sequence: 0), seq: 4)
            story.events = story.events.map { event in
                var event = event
                switch event.fact {
                case .heard(let sighting) where sighting.place.seq == 4:
                    event.fact = .heard(Sighting(place: low, key: sighting.key, digest: sighting.digest))
                case .stored(let sighting) where sighting.place.seq == 4:
                    event.fact = .stored(Sighting(place: low, key: sighting.key, digest: sighting.digest))
                case .paged(let sighting, let edge) where sighting.place.seq == 4:
                    event.fact = .paged(
                        Sighting(place: low, key: sighting.key, digest: sighting.digest), edge: edge)
                case .acknowledged(let key, let place, let isDuplicate) where place.seq == 4:
                    event.fact = .acknowledged(key, low, isDuplicate: isDuplicate)
                default: break
                }
                return event
            }
            story.events.removeAll { if case .archived = $0.fact { true } else { false } }
            story.ending.hasArchive = false
        },
        Breakage("an acknowledged message that is neither stored nor archived", .missing) { story in
            story.events.remove(at: story.archives(4))
            story.events.remove(at: story.stores(4))
        },
        Breakage("a stored message that is not archived", .unarchived) { story in
            story.events.remove(at: story.archives(4))
        },
        Breakage("a gap line about what was never lost", .unarchived) { story in
            story.events.remove(at: story.archives(4))
            story.add(.archiveGap(from: 4, to: 4, reason: "trimmed"))
        },
        Breakage("a message that is archived twice", .archiveOrder) { story in
            story.events.insert(story.events[story.archives(4)], at: story.archives(5))
        },
        Breakage("two archived messages in the wrong order", .archiveOrder) { story in
            story.events.swapAt(story.archives(3), story.archives(4))
        },
        Breakage("a line of the archive that is none", .archiveOrder) { story in story.add(.archiveStrange("{\"id")) },
        Breakage("other bytes for one reader", .bytes) { story in
            let sighting = Sighting(place: Story.place(4), key: Story.key(4), digest: 1)
            story.events[story.hears(1, 4)].fact = .heard(sighting)
        },
        Breakage("other bytes in the archive", .bytes) { story in
            let sighting = Sighting(place: Story.place(4), key: Story.key(4), digest: 1)
            story.events[story.archives(4)].fact = .archived(sighting)
        },
    ]

    static let ofSends = [
        Breakage("a message that nobody sent", .forged) { story in
            story = .extended { $0.put(7, nil) }
        },
        Breakage("a message that was altered", .forged) { story in
            story = .extended { story in
                story.add(client: 0, .sent(Story.key(7), attempt: 1))
                story.put(7, Story.key(7))
                for index in story.events.indices {
                    guard case .stored(var sighting) = story.events[index].fact, sighting.place.seq == 7 else {
                        continue
                    }
                    sighting.isAltered = true
                    story.events[index].fact = .stored(sighting)
                }
            }
        },
        Breakage("a send without a nonce that is two messages", .double) { story in
            story = .extended { story in
                let key = Story.key(7, hasNonce: false)
                story.add(client: 0, .sent(key, attempt: 1))
                story.put(7, key)
                story.put(8, key)
            }
        },
        Breakage("a send tried again that is two messages", .nonce) { story in
            story = .extended { story in
                story.add(client: 0, .sent(Story.key(7), attempt: 1))
                story.put(7, Story.key(7))
                story.add(client: 0, .sent(Story.key(7), attempt: 2))
                story.put(8, Story.key(7))
            }
        },
        Breakage("a second ack with another place", .nonce) { story in
            story.add(client: 0, .acknowledged(Story.key(4), Story.place(5), isDuplicate: true))
        },
        Breakage("sends of one session in another order", .sendOrder) { story in
            story = .extended { story in
                story.add(client: 0, .sent(Story.key(7), attempt: 1))
                story.add(client: 0, .sent(Story.key(8), attempt: 1))
                story.put(7, Story.key(8))
                story.put(8, Story.key(7))
                story.add(client: 0, .acknowledged(Story.key(8), Story.place(7), isDuplicate: false))
                story.add(client: 0, .acknowledged(Story.key(7), Story.place(8), isDuplicate: false))
            }
        },
        Breakage("an ack that names another message's place", .wrongAck) { story in
            story.events[story.acknowledges(4)].fact = .acknowledged(Story.key(4), Story.place(3), isDuplicate: false)
        },
        Breakage("an ack that comes first and names what turns out to be another message's place", .wrongAck) { story in
            let ack = story.events.remove(at: story.acknowledges(4))
            story.events.insert(ack, at: story.stores(3))
            story.events[story.acknowledges(4)].fact = .acknowledged(Story.key(4), Story.place(3), isDuplicate: false)
            let sent = story.index { if case .sent(Story.key(4), _) = $0.fact { true } else { false } }
            story.events.insert(story.events.remove(at: sent), at: story.acknowledges(3))
            story.events.remove(
                at: story.index { if case .acknowledged(Story.key(3), _, _) = $0.fact { true } else { false } })
        },
        Breakage("a send without an answer", .unanswered) { story in
            story.add(client: 0, .unanswered(Story.key(6)))
        },
    ]

    static let ofReaders = [
        Breakage("a message again", .repeated) { story in
            story.events.insert(story.events[story.hears(1, 4)], at: story.hears(1, 5))
        },
        Breakage("a message that never came", .hole) { story in story.events.remove(at: story.hears(1, 4)) },
        Breakage("a recovery that lacks its first message", .hole) { story in
            story.rejoin(Story.joined(seq: 6, count: 1)) { $0.add(client: 1, .heard(Story.sighting(6, Story.key(6)))) }
        },
        Breakage("a recovery that brings nothing of what was said", .hole) { story in
            story.rejoin(Story.joined(seq: 6)) { _ in }
        },
        Breakage("the last message that never came", .undelivered) { story in story.events.remove(at: story.hears(1, 6))
        },
        Breakage("a history that ends too early", .undelivered) { story in
            story.events.removeAll {
                if case .paged(let sighting, 1) = $0.fact { sighting.place.seq == 6 } else { false }
            }
        },
        Breakage("a history with a hole", .hole) { story in
            story.events.removeAll {
                if case .paged(let sighting, 1) = $0.fact { sighting.place.seq == 4 } else { false }
            }
        },
        Breakage("lagged over what is still there", .falseLoss) { story in
            story.events[story.hears(1, 4)].fact = .lagged(from: 4, to: 4, count: 1)
        },
        Breakage("lagged with a wrong count", .falseLoss) { story in
            story.events[story.hears(1, 4)].fact = .lagged(from: 4, to: 4, count: 2)
            story.gone(below: 5)
        },
        Breakage("a recovery said to be trimmed that is not", .falseLoss) { story in
            story.rejoin(Story.joined(seq: 6, count: 1, isRecovered: false)) {
                $0.add(client: 1, .heard(Story.sighting(6, Story.key(6))))
            }
        },
        Breakage("rewound out of the blue", .falseRewind) { story in
            story.add(client: 1, .rewound(RewoundFact(from: 6, to: 6, epoch: Story.epoch + 1)))
        },
        Breakage("a new epoch without a word", .falseRewind) { story in
            story.rejoin(Story.joined(seq: 6, count: 2, epoch: Story.epoch + 1)) { story in
                for seq: UInt64 in 5...6 { story.add(client: 1, .heard(Story.sighting(seq, Story.key(UInt32(seq))))) }
            }
        },
        Breakage("a session closed for nothing", .closed) { story in
            story.add(client: 1, .closed(.relay(code: 4003)), inRoom: false)
        },
        Breakage("a session cut by a drain", .drain) { story in
            story.add(.faultBegan(.restartEdge, target: 1), inRoom: false)
            story.add(client: 1, .closed(.lost), inRoom: false)
        },
        Breakage("a drained edge with a bad status", .drain) { story in
            story.add(.edgeEnded(edge: 1, status: 1), inRoom: false)
        },
        Breakage("a frame that is none", .unreadable) { story in
            story.add(client: 1, .unreadable("notJSON"), inRoom: false)
        },
    ]
}

extension Story {
    /// The clean story, with more said before it is closed.
    static func extended(_ more: (inout Story) -> Void) -> Story {
        var story = Story()
        for client in 0...1 {
            story.add(client: client, .opened(edge: client), inRoom: false)
            story.add(client: client, .joinAsked(.history(10)))
            story.add(client: client, .joined(joined(seq: 0)))
        }
        for seq: UInt64 in 1...6 { story.say(seq) }
        more(&story)
        story.close()
        return story
    }

    /// The second client leaves after number 4, and comes back after number 6 to this answer.
    mutating func rejoin(_ answer: JoinedFact, _ then: (inout Story) -> Void) {
        events.remove(at: hears(1, 6))
        events.remove(at: hears(1, 5))
        add(client: 1, .leaveAsked)
        add(client: 1, .joinAsked(.since(Self.place(4), epoch: Self.epoch)))
        add(client: 1, .joined(answer))
        then(&self)
        add(.streamFloor(seq: 1, asked: (events.last?.at ?? 0) + 1))
    }

    /// The stream turns out to begin here.
    mutating func gone(below seq: UInt64) {
        events.removeAll { if case .streamFloor = $0.fact { true } else { false } }
        add(.streamFloor(seq: seq, asked: (events.last?.at ?? 0) + 1))
    }
}
