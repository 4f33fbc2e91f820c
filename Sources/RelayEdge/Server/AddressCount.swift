import NIOCore
import RelayCore
import NIOConcurrencyHelpers

/// How many connections each address has open.
final class AddressCount: Sendable {
    private struct Figures {
        var open: [IPAddress: Int] = [:]
        var refused: UInt64 = 0
    }

    private let figures = NIOLockedValueBox(Figures())
    private let limit: Int

    /// - Parameter limit: connections an address; 0 is no limit. Of IPv6 a network of 64 bits is one address.
    init(limit: Int) {
        self.limit = limit
    }

    /// Counts a connection until it closes; false where it is one too many.
    func opened(_ channel: any Channel, from address: IPAddress) -> Bool {
        guard limit > 0 else { return true }
        let holder = address.holder
        let isTaken = figures.withLockedValue { figures in
            guard figures.open[holder, default: 0] < limit else {
                figures.refused += 1
                return false
            }
            figures.open[holder, default: 0] += 1
            return true
        }
        if isTaken { channel.closeFuture.whenComplete { [self] _ in closed(holder) } }
        return isTaken
    }

    private func closed(_ holder: IPAddress) {
        figures.withLockedValue { figures in
            let rest = (figures.open[holder] ?? 0) - 1
            figures.open[holder] = rest > 0 ? rest : nil
        }
    }

    /// Connections that were one too many.
    var refused: UInt64 { figures.withLockedValue { $0.refused } }
}

/// Who is behind a channel, and how many connections they may have.
struct ConnectionGate: Sendable {
    let addresses: AddressCount
    let trusted: [AddressRange]

    /// The address at the other end of the socket; nil where it has none (a unix socket).
    static func peer(of channel: any Channel) -> IPAddress? {
        channel.remoteAddress?.ipAddress.flatMap { IPAddress($0) }
    }

    /// Whether the peer speaks for others.
    func isProxy(_ peer: IPAddress) -> Bool { trusted.contains { $0.contains(peer) } }

    /// Who asks, by the peer's word where that is trusted.
    func client(peer: IPAddress, forwardedFor: [String], forwarded: [String]) -> IPAddress {
        ClientAddress.resolve(peer: peer, forwardedFor: forwardedFor, forwarded: forwarded, trusted: trusted)
    }
}
