/// Where connections to this machine come from.
///
/// A pair of addresses and a port have some 28 000 connections between them, one for each port that Linux gives out.
/// On loopback there are 16 million addresses to come from.
enum SourceAddress {
    /// Connections of one address.
    static let connectionsEach = 16_384

    /// The address of a connection by its index: 0, which is any, for as many as one address has, then 127.1.0.1,
    /// 127.1.0.2, ….
    static func loopback(_ index: Int) -> UInt32 {
        let group = UInt32(index / connectionsEach)
        guard group > 0 else { return 0 }
        // No byte is 0 or 255, so that no address looks like that of a network.
        let low = (group - 1) % 254 + 1
        let middle = (group - 1) / 254 % 254
        return 127 << 24 | 1 << 16 | middle << 8 | low
    }
}
