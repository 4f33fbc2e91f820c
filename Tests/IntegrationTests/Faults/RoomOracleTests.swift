import NIOCore
import RelayCore
import Testing

/// A judge that finds nothing wrong proves nothing unless it can.
@Suite("The oracle of the fault tests")
struct RoomOracleTests {
    private static func copy(_ seq: UInt64) -> RoomEvidence.Copy {
        RoomEvidence.Copy(
            id: MessageID(milliseconds: 1000 + seq, sequence: 0), seq: seq, text: "text \(seq)",
            envelope: ByteBuffer(string: "{\(seq)}"))
    }

    /// Ten messages of two senders, of which the stream still has the last seven.
    private static var sound: RoomEvidence {
        let all = (1...10).map { copy($0) }
        var evidence = RoomEvidence()
        evidence.archive = all
        evidence.stream = all.suffix(7).map { RoomEvidence.Copy(id: $0.id, seq: $0.seq, text: $0.text) }
        evidence.receipts = all.dropLast().map {
            .init(sender: $0.seq.isMultiple(of: 2) ? "alice" : "bob", text: $0.text, id: $0.id, seq: $0.seq)
        }
        evidence.sessions = [
            .init(name: "all", copies: all), .init(name: "late", copies: Array(all.suffix(4))),
            .init(name: "gone", copies: Array(all.prefix(4)), stayed: false),
            .init(name: "slow", copies: [all[0]] + all.suffix(7), declaredLost: [2...3]),
        ]
        return evidence
    }

    @Test("Finds nothing wrong where nothing is, with an archive and without")
    func findsNothing() {
        #expect(RoomOracle.violations(in: Self.sound).isEmpty)
        var evidence = Self.sound
        evidence.stream = evidence.archive ?? []
        evidence.archive = nil
        evidence.sessions.removeLast()
        #expect(RoomOracle.violations(in: evidence).isEmpty)
    }

    @Test("A hole, a repeat, a change of order, another text: in each party")
    func parties() {
        let parties: [(String, WritableKeyPath<RoomEvidence, [RoomEvidence.Copy]>)] = [
            ("archive", \.files), ("stream", \.stream), ("all", \.sessions[0].copies),
        ]
        for (name, path) in parties {
            var evidence = Self.sound
            let gone = evidence[keyPath: path].remove(at: 4)
            #expect(
                RoomOracle.violations(in: evidence).contains(
                    .hole(party: name, after: gone.seq - 1, next: gone.seq + 1)))
            evidence = Self.sound
            let again = evidence[keyPath: path][4]
            evidence[keyPath: path].insert(again, at: 4)
            #expect(RoomOracle.violations(in: evidence).contains(.twice(party: name, text: again.text)))
            evidence = Self.sound
            let early = evidence[keyPath: path][3]
            evidence[keyPath: path].swapAt(3, 4)
            #expect(RoomOracle.violations(in: evidence).contains(.disorder(party: name, seq: early.seq)))
            evidence = Self.sound
            evidence[keyPath: path][5].text = "another"
            #expect(!RoomOracle.violations(in: evidence).isEmpty)
        }
    }

    @Test("Other bytes, an early end, a beginning that is not the first")
    func bytes() {
        var evidence = Self.sound
        evidence.sessions[1].copies[1].envelope = ByteBuffer(string: "{8 }")
        #expect(RoomOracle.violations(in: evidence) == [.difference(party: "late", seq: 8)])
        evidence = Self.sound
        evidence.sessions[0].copies.removeLast()
        #expect(RoomOracle.violations(in: evidence) == [.unheard(session: "all", after: 9)])
        evidence = Self.sound
        evidence.archive?.removeFirst()
        #expect(RoomOracle.violations(in: evidence).contains(.hole(party: "archive", after: 0, next: 2)))
        evidence = Self.sound
        evidence.archive?.removeLast()
        #expect(RoomOracle.violations(in: evidence).contains(.hole(party: "archive", after: 9, next: 11)))
        evidence = Self.sound
        evidence.archiveGapLines = 1
        #expect(RoomOracle.violations(in: evidence) == [.archiveGap])
    }

    @Test("An acknowledgement of nothing, of another message, one send that became two messages")
    func receipts() {
        var evidence = Self.sound
        evidence.receipts.append(.init(sender: "carol", text: "gone", id: Self.copy(11).id, seq: 11))
        #expect(RoomOracle.violations(in: evidence) == [.lost(text: "gone")])
        evidence = Self.sound
        evidence.receipts[3].id = Self.copy(5).id
        #expect(RoomOracle.violations(in: evidence) == [.lost(text: "text 4")])
        evidence = Self.sound
        for place in [\RoomEvidence.files, \.stream, \.sessions[0].copies, \.sessions[1].copies] {
            let last = evidence[keyPath: place].count - 1
            evidence[keyPath: place][last].text = "text 9"
        }
        evidence.sessions.removeLast()
        #expect(RoomOracle.violations(in: evidence) == [.twice(party: "record", text: "text 9")])
        evidence = Self.sound
        evidence.receipts.swapAt(2, 4)
        #expect(RoomOracle.violations(in: evidence) == [.senderOrder(sender: "bob", seq: 3)])
    }

    @Test("A declared loss of what was given, or of what is still there")
    func losses() {
        var evidence = Self.sound
        evidence.sessions[3].declaredLost = [1...3]
        #expect(RoomOracle.violations(in: evidence) == [.falseLoss(session: "slow", seq: 1)])
        evidence = Self.sound
        evidence.sessions[3].copies.remove(at: 1)
        evidence.sessions[3].declaredLost = [2...4]
        #expect(RoomOracle.violations(in: evidence) == [.falseLoss(session: "slow", seq: 4)])
        evidence = Self.sound
        evidence.sessions[3].declaredLost = [2...2]
        #expect(RoomOracle.violations(in: evidence) == [.hole(party: "slow", after: 1, next: 4)])
    }
}

extension RoomEvidence {
    /// The archive as a place that can be written to.
    fileprivate var files: [Copy] {
        get { archive ?? [] }
        set { archive = newValue }
    }
}
