import RelayCore
import RelayWire
import Testing

@testable import RelayEdge

@Suite("A list of rooms that cannot be had")
struct RefusedListTests {
    @Test("It makes the next one no dearer")
    func price() throws {
        let edge = OneLoopEdge {
            $0.limits.ratePerSecond = 1
            $0.limits.burst = 30
        }
        let client = try edge.connect(as: "alice")
        edge.store.holding = [.list]
        for ref in 1...20 {
            try client.send(#"{"op":"rooms","ref":\#(ref)}"#)
            edge.store.release(.list, with: .unavailable)
            guard case .refused(let refusal)? = try client.received().answers(to: Int64(ref)).first else {
                Issue.record("not refused")
                return
            }
            #expect(refusal.code == .unavailable, "the \(ref)th")
        }
    }
}
