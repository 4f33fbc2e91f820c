import NIOConcurrencyHelpers
import NIOCore
import RelayCore

/// How many connections are open, over all loops.
final class ConnectionCount: Sendable {
    /// One more would be too many.
    struct TooMany: Error {}

    private struct Figures {
        var open = 0
        var accepted: UInt64 = 0
        var refused: UInt64 = 0
        /// Those that are about to be told that they are one too many.
        var refusing = 0
        /// Those that are not WebSockets, or not yet.
        var requests: [ObjectIdentifier: any Channel] = [:]
    }

    private let figures = NIOLockedValueBox(Figures())
    private let limit: Int

    init(limit: Int) {
        self.limit = limit
    }

    /// Counts a connection until it closes; false where it is one too many.
    func opened(_ channel: any Channel) -> Bool {
        let isTaken = figures.withLockedValue { figures in
            guard figures.open < limit else {
                figures.refused += 1
                return false
            }
            figures.open += 1
            figures.accepted += 1
            figures.requests[ObjectIdentifier(channel)] = channel
            return true
        }
        guard isTaken else { return false }
        channel.closeFuture.whenComplete { [self, id = ObjectIdentifier(channel)] _ in
            figures.withLockedValue { figures in
                figures.open -= 1
                figures.requests[id] = nil
            }
        }
        return true
    }

    /// Counts a connection that is to be told that it is one too many; false where too many wait for that.
    func refusing(_ channel: any Channel) -> Bool {
        let isTaken = figures.withLockedValue { figures in
            guard figures.refusing < Limits.refusalsMax else { return false }
            figures.refusing += 1
            return true
        }
        if isTaken {
            channel.closeFuture.whenComplete { [self] _ in figures.withLockedValue { $0.refusing -= 1 } }
        }
        return isTaken
    }

    /// The connection is a WebSocket from here on.
    func upgraded(_ channel: any Channel) {
        figures.withLockedValue { $0.requests[ObjectIdentifier(channel)] = nil }
    }

    /// Cuts what still speaks HTTP: requests that never end, and connections that never asked for anything.
    func cutRequests() {
        for channel in figures.withLockedValue({ Array($0.requests.values) }) { channel.close(promise: nil) }
    }

    /// Open now, accepted and refused since the start.
    var snapshot: (open: Int, accepted: UInt64, refused: UInt64) {
        figures.withLockedValue { ($0.open, $0.accepted, $0.refused) }
    }
}
