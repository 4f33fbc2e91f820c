import NIOConcurrencyHelpers
import RelayCore

/// How many connections are open, over all loops.
final class ConnectionCount: Sendable {
    /// One more would be too many.
    struct TooMany: Error {}

    private struct Figures {
        var open = 0
        var accepted: UInt64 = 0
        var refused: UInt64 = 0
    }

    private let figures = NIOLockedValueBox(Figures())
    private let limit: Int

    init(limit: Int) {
        self.limit = limit
    }

    /// Counts a connection; false where it is one too many.
    func opened() -> Bool {
        figures.withLockedValue { figures in
            guard figures.open < limit else {
                figures.refused += 1
                return false
            }
            figures.open += 1
            figures.accepted += 1
            return true
        }
    }

    func closed() {
        figures.withLockedValue { $0.open -= 1 }
    }

    /// Open now, accepted and refused since the start.
    var snapshot: (open: Int, accepted: UInt64, refused: UInt64) {
        figures.withLockedValue { ($0.open, $0.accepted, $0.refused) }
    }
}
