import NIOCore
import RelayCore

/// What everybody who had to do with a room says of it, after all is settled.
struct RoomEvidence {
    /// A message as one party has it.
    struct Copy: Equatable {
        var id: MessageID
        var seq: UInt64
        var text: String
        /// The very bytes; nil for a party that keeps fields.
        var envelope: ByteBuffer?

        func agrees(with other: Copy) -> Bool {
            let isSame = id == other.id && seq == other.seq && text == other.text
            guard let envelope, let others = other.envelope else { return isSame }
            return isSame && envelope == others
        }
    }

    /// That a message was acknowledged.
    struct Receipt {
        var sender: String
        var text: String
        var id: MessageID
        var seq: UInt64
    }

    /// What one session saw, over all of its connections.
    struct Session {
        var name: String
        var copies: [Copy] = []
        /// The numbers that it was told are gone.
        var declaredLost: [ClosedRange<UInt64>] = []
        /// Whether it was there to the end.
        var stayed = true
    }

    /// In the order in which each sender sent. No two sends have the same text.
    var receipts: [Receipt] = []
    var stream: [Copy] = []
    /// Nil where there is no archiver.
    var archive: [Copy]?
    /// Lines of the archive that are no messages.
    var archiveGapLines = 0
    var sessions: [Session] = []
}

/// Something that must not be.
enum Violation: Equatable, Sendable {
    /// A party goes from one number to another that is not the next.
    case hole(party: String, after: UInt64, next: UInt64)
    /// A party has a number, or an id, at or below the one before it.
    case disorder(party: String, seq: UInt64)
    /// A party has the same message twice, or one send became two messages.
    case twice(party: String, text: String)
    /// A party has something else under a number than the record.
    case difference(party: String, seq: UInt64)
    /// An acknowledged message is not in the record.
    case lost(text: String)
    /// Two sends of one sender stand in the other order.
    case senderOrder(sender: String, seq: UInt64)
    /// A session that stayed did not hear the end.
    case unheard(session: String, after: UInt64)
    /// A session was told that something is gone which it was given, or could be given.
    case falseLoss(session: String, seq: UInt64)
    /// The archive says itself that it lacks something.
    case archiveGap
}

/// The one judge of all fault tests: a room is dense, has one order, lacks nothing that was acknowledged, has nothing
/// twice, and every party tells the same of it.
enum RoomOracle {
    /// All that is wrong, in no particular order.
    static func violations(in evidence: RoomEvidence) -> [Violation] {
        // The archive has all that the stream has and had; without one the stream was never trimmed.
        let record = evidence.archive ?? evidence.stream
        var violations = order(of: record, by: evidence.archive == nil ? "stream" : "archive", startsAt: 1)
        violations += repeats(in: record)
        let byNumber = Dictionary(record.map { ($0.seq, $0) }) { first, _ in first }
        if evidence.archive != nil { violations += judgeStream(evidence.stream, byNumber, last: record.last?.seq ?? 0) }
        if evidence.archiveGapLines > 0 { violations.append(.archiveGap) }
        violations += judgeReceipts(evidence.receipts, byNumber)
        for session in evidence.sessions {
            violations += judge(session, byNumber, stream: evidence.stream, last: record.last?.seq ?? 0)
        }
        return violations
    }

    /// Dense from `startsAt`, or from wherever it begins, with ids that rise.
    private static func order(
        of copies: [RoomEvidence.Copy], by party: String, startsAt: UInt64?
    ) -> [Violation] {
        var violations: [Violation] = []
        if let startsAt, let first = copies.first, first.seq != startsAt {
            violations.append(.hole(party: party, after: startsAt - 1, next: first.seq))
        }
        for (before, copy) in zip(copies, copies.dropFirst()) {
            if copy.seq <= before.seq || copy.id <= before.id {
                let isSame = copy.id == before.id
                violations.append(
                    isSame ? .twice(party: party, text: copy.text) : .disorder(party: party, seq: copy.seq))
            } else if copy.seq != before.seq + 1 {
                violations.append(.hole(party: party, after: before.seq, next: copy.seq))
            }
        }
        return violations
    }

    private static func repeats(in record: [RoomEvidence.Copy]) -> [Violation] {
        let texts = Dictionary(grouping: record, by: \.text)
        return texts.filter { $0.value.count > 1 }.keys.map { .twice(party: "record", text: $0) }
    }

    private static func judgeStream(
        _ stream: [RoomEvidence.Copy], _ record: [UInt64: RoomEvidence.Copy], last: UInt64
    ) -> [Violation] {
        var violations = order(of: stream, by: "stream", startsAt: nil)
        if let end = stream.last?.seq, end != last {
            violations.append(.hole(party: "archive", after: last, next: end + 1))
        }
        for copy in stream where record[copy.seq].map({ !$0.agrees(with: copy) }) ?? true {
            violations.append(.difference(party: "stream", seq: copy.seq))
        }
        return violations
    }

    private static func judgeReceipts(
        _ receipts: [RoomEvidence.Receipt], _ record: [UInt64: RoomEvidence.Copy]
    ) -> [Violation] {
        var violations: [Violation] = []
        var lastOf: [String: UInt64] = [:]
        for receipt in receipts {
            if record[receipt.seq].map({ $0.id == receipt.id && $0.text == receipt.text }) != true {
                violations.append(.lost(text: receipt.text))
            }
            if let last = lastOf[receipt.sender], receipt.seq <= last {
                violations.append(.senderOrder(sender: receipt.sender, seq: receipt.seq))
            }
            lastOf[receipt.sender] = receipt.seq
        }
        return violations
    }

    private static func judge(
        _ session: RoomEvidence.Session, _ record: [UInt64: RoomEvidence.Copy], stream: [RoomEvidence.Copy],
        last: UInt64
    ) -> [Violation] {
        var violations = order(of: session.copies, by: session.name, startsAt: nil).filter { violation in
            guard case .hole(_, let after, let next) = violation else { return true }
            // What it was told is gone is no hole.
            return !session.declaredLost.contains { $0.lowerBound <= after + 1 && $0.upperBound >= next - 1 }
        }
        for copy in session.copies where record[copy.seq].map({ !$0.agrees(with: copy) }) ?? true {
            violations.append(.difference(party: session.name, seq: copy.seq))
        }
        let end = max(session.copies.last?.seq ?? 0, session.declaredLost.last?.upperBound ?? 0)
        if session.stayed, end != last { violations.append(.unheard(session: session.name, after: end)) }
        for range in session.declaredLost {
            let held = (session.copies + stream).first { range.contains($0.seq) }
            if let held { violations.append(.falseLoss(session: session.name, seq: held.seq)) }
        }
        return violations
    }
}
