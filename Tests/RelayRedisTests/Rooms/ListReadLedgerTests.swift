import Testing

@testable import RelayRedis

@Suite("The ledger of reads of lists")
struct ListReadLedgerTests {
    private var ledger = ListReadLedger<String, Int>(underWayMax: 2, readersMax: 6)

    @Test("reads a list once for all who asked before it was begun, and once more for those who asked later")
    mutating func sharing() {
        #expect(ledger.asked(for: "a", by: 1) == .read)
        #expect(ledger.asked(for: "a", by: 2) == .none)
        #expect(ledger.asked(for: "a", by: 3) == .none)
        var (readers, next) = ledger.answered("a")
        #expect(readers == [1] && next == ["a"])
        (readers, next) = ledger.answered("a")
        #expect(readers == [2, 3] && next.isEmpty)
        #expect(ledger.asked(for: "a", by: 4) == .read)
    }

    @Test("reads so many at a time, the others in their turn")
    mutating func turns() {
        #expect(ledger.asked(for: "a", by: 1) == .read)
        #expect(ledger.asked(for: "b", by: 2) == .read)
        #expect(ledger.asked(for: "c", by: 3) == .none)
        #expect(ledger.asked(for: "c", by: 4) == .none)
        #expect(ledger.asked(for: "a", by: 5) == .none)
        var (readers, next) = ledger.answered("a")
        #expect(readers == [1] && next == ["c"], "who comes again waits behind the others")
        (readers, next) = ledger.answered("c")
        #expect(readers == [3, 4] && next == ["a"])
        (readers, next) = ledger.answered("b")
        #expect(readers == [2] && next.isEmpty)
        (readers, next) = ledger.answered("a")
        #expect(readers == [5] && next.isEmpty)
    }

    @Test("refuses those who are too many, until others have their answer")
    mutating func bound() {
        for reader in 1...6 { #expect(ledger.asked(for: "a", by: reader) != .refuse) }
        #expect(ledger.asked(for: "b", by: 7) == .refuse)
        _ = ledger.answered("a")
        #expect(ledger.asked(for: "b", by: 8) == .read)
    }
}
