import Foundation
import RelayCore
import RelaySettings
import Testing

@testable import martlet

@Suite("Settings whose type does not tell whether they are right")
struct CheckedTests {
    @Test(
        "A place in a room is an id, a time, or how long ago",
        arguments: [
            ("10m", "999400000-0"), ("2h", "992800000-0"), ("500ms", "999999500-0"), ("9000000h", nil),
            ("1763691000123-7", "1763691000123-7"), ("1763691000123", "1763691000123-0"), ("10", "10-0"), ("x", nil),
            ("-5m", nil), ("", nil),
        ])
    func point(text: String, id: String?) {
        let point = try? Checked.point("--since", text, now: Date(timeIntervalSince1970: 1_000_000))
        #expect(point?.description == (text == "9000000h" ? "0-0" : id))
    }

    @Test("A table's cells stand below each other, whatever their width")
    func table() {
        let rows = [["NAME", "N"], ["日本", "1"], ["e", "12"]]
        #expect(TextTable.lines(rows, rightAligned: [1]) == ["NAME   N", "日本   1", "e     12"])
        #expect(TextTable.wrapped("a b c", columns: nil) == ["a b c"])
        let text = "one two three four five six"
        #expect(TextTable.wrapped(text, columns: 20) == ["one two three four", "five six"])
        let long = String(repeating: "x", count: 45)
        #expect(TextTable.wrapped("a " + long, columns: 20).map(\.count) == [1, 20, 20, 5])
    }
}
