/// An address of IPv4 or IPv6. One of IPv4 is the same whether it stands by itself or mapped into IPv6.
public struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    /// The 128 bits; those of an IPv4 address stand behind `::ffff:0:0/96`.
    public let bits: UInt128

    static let mappedPrefix = UInt128(0xffff) << 32

    /// Parses `192.0.2.1`, `2001:db8::1`, `[2001:db8::1]` or `::ffff:192.0.2.1`; nil for anything else. What stands
    /// behind `%` says on which link, not which address, and is cut off.
    public init?(_ text: some StringProtocol) {
        var text = Substring(String(text))
        if text.hasPrefix("["), text.hasSuffix("]") { text = text.dropFirst().dropLast() }
        text = text.prefix { $0 != "%" }
        guard let bits = text.contains(":") ? Self.sixBits(text) : Self.fourBits(text).map({ Self.mappedPrefix | $0 })
        else { return nil }
        self.bits = bits
    }

    /// The address of those bits.
    init(bits: UInt128) {
        self.bits = bits
    }

    /// Whether it is one of IPv4.
    public var isFour: Bool { bits >> 32 == 0xffff }

    /// Whether it is this machine's own.
    public var isLoopback: Bool { isFour ? (bits >> 24) & 0xff == 127 : bits == 1 }

    /// Who is behind the address: of IPv6 the network of 64 bits, since who has one address there has all of them.
    public var holder: IPAddress { isFour ? self : IPAddress(bits: (bits >> 64) << 64) }

    /// Dotted, or eight groups of hexadecimal digits.
    public var description: String {
        if isFour {
            return (0..<4).reversed().map { String(UInt8(truncatingIfNeeded: bits >> ($0 * 8))) }.joined(separator: ".")
        }
        return (0..<8).reversed().map { String(UInt16(truncatingIfNeeded: bits >> ($0 * 16)), radix: 16) }
            .joined(separator: ":")
    }

    private static func fourBits(_ text: Substring) -> UInt128? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bits: UInt128 = 0
        for part in parts {
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let byte = UInt8(part)
            else { return nil }
            bits = bits << 8 | UInt128(byte)
        }
        return bits
    }

    private static func sixBits(_ text: Substring) -> UInt128? {
        let halves = text.split(separator: "::", maxSplits: 2, omittingEmptySubsequences: false)
        guard halves.count <= 2 else { return nil }
        guard let front = groups(halves[0], isLast: halves.count == 1) else { return nil }
        guard halves.count == 2 else { return front.count == 8 ? joined(front) : nil }
        guard let back = groups(halves[1], isLast: true), front.count + back.count < 8 else { return nil }
        return joined(front + Array(repeating: 0, count: 8 - front.count - back.count) + back)
    }

    /// Groups of 16 bits; the last two may be written as an address of IPv4.
    private static func groups(_ text: Substring, isLast: Bool) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        var groups: [UInt16] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if part.contains(".") {
                guard isLast, index == parts.count - 1, let four = fourBits(part) else { return nil }
                groups.append(UInt16(truncatingIfNeeded: four >> 16))
                groups.append(UInt16(truncatingIfNeeded: four))
            } else {
                guard (1...4).contains(part.utf8.count), part.utf8.first != UInt8(ascii: "+"),
                    let group = UInt16(part, radix: 16)
                else { return nil }
                groups.append(group)
            }
        }
        return groups.count <= 8 ? groups : nil
    }

    private static func joined(_ groups: [UInt16]) -> UInt128 {
        groups.reduce(0) { $0 << 16 | UInt128($1) }
    }
}

/// Addresses that begin alike: `10.0.0.0/8`, `2001:db8::/32`, or one alone.
public struct AddressRange: Hashable, Sendable {
    private let first: UInt128
    private let hostBits: Int

    /// Parses the notation of CIDR; nil for anything else, also where bits are set behind the prefix: that is a slip.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = IPAddress(parts[0]) else { return nil }
        let width = address.isFour ? 32 : 128
        var length = width
        if parts.count == 2 {
            guard parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let given = Int(parts[1]),
                given <= width
            else { return nil }
            length = given
        }
        hostBits = width - length
        guard (address.bits >> hostBits) << hostBits == address.bits else { return nil }
        first = address.bits
    }

    /// Whether the address is one of them.
    public func contains(_ address: IPAddress) -> Bool {
        address.bits >> hostBits == first >> hostBits
    }
}

/// Who is behind a connection.
public enum ClientAddress {
    /// The address that a request came from: the peer's, and behind trusted proxies the rightmost that is none.
    ///
    /// What stands further left was written by whoever sent it, and is not believed. Where a request has
    /// `X-Forwarded-For` and `Forwarded` and these disagree, the proxy writes only one of them and the other is the
    /// client's own: neither is believed.
    ///
    /// - Parameters:
    ///   - forwardedFor: the values of `X-Forwarded-For`, in order.
    ///   - forwarded: the values of `Forwarded` (RFC 7239), in order.
    public static func resolve(
        peer: IPAddress, forwardedFor: [String], forwarded: [String], trusted: [AddressRange]
    ) -> IPAddress {
        guard trusted.contains(where: { $0.contains(peer) }) else { return peer }
        let simple = forwardedFor.joined(separator: ",").split(separator: ",", omittingEmptySubsequences: true)
            .map { node(trimmed($0)) }
        let named = forwarded.joined(separator: ",").split(separator: ",").map { element in
            let pair = element.split(separator: ";").map(trimmed).first { $0.lowercased().hasPrefix("for=") }
            return pair.flatMap { node($0.dropFirst(4)) }
        }
        let first = simple.isEmpty ? nil : rightmost(simple, peer: peer, trusted)
        let second = named.isEmpty ? nil : rightmost(named, peer: peer, trusted)
        if let first, let second { return first == second ? first : peer }
        return first ?? second ?? peer
    }

    /// A node that is no address (`unknown`, `_hidden`) ends the way: what is left of it cannot be told apart.
    private static func rightmost(_ nodes: [IPAddress?], peer: IPAddress, _ trusted: [AddressRange]) -> IPAddress {
        var last = peer
        for node in nodes.reversed() {
            guard let node else { return last }
            last = node
            guard trusted.contains(where: { $0.contains(node) }) else { return node }
        }
        return last
    }

    /// `192.0.2.1`, `192.0.2.1:4711`, `[2001:db8::1]:4711`, with quotes or without.
    private static func node(_ text: Substring) -> IPAddress? {
        var text = text
        if text.hasPrefix("\""), text.hasSuffix("\""), text.count >= 2 { text = text.dropFirst().dropLast() }
        if let address = IPAddress(text) { return address }
        guard let colon = text.lastIndex(of: ":") else { return nil }
        return IPAddress(text[..<colon])
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop { $0 == " " || $0 == "\t" }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}
