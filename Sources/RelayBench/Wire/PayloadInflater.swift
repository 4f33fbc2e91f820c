internal import NIOCore
internal import RelayDeflate

/// Inflates what readers get.
///
/// A relay compresses a message once for all members of a room, each by itself, so that the same bytes come to each of
/// them. They are inflated once and known again: otherwise the generator would cost more than what it measures.
final class PayloadInflater {
    private struct Known {
        var payload: [UInt8] = []
        var message: [UInt8] = []
    }

    /// Messages that are remembered, and how long one may be for that: two megabytes in all.
    private static let knownMax = 256
    private static let knownBytesMax = 4096
    /// Bytes of a payload that tell where it is looked for: id and number of a message lie within them.
    private static let hashedBytes = 48

    private let inflater = MessageInflater()
    private var known = [Known](repeating: Known(), count: knownMax)
    private var input = ByteBuffer()

    /// The message of a compressed payload; nil where it does not inflate, or to more than a reader takes.
    func message(of payload: ArraySlice<UInt8>) -> [UInt8]? {
        let slot = Self.slot(of: payload)
        if known[slot].payload.count == payload.count, known[slot].payload[...] == payload {
            return known[slot].message
        }
        input.clear()
        input.writeBytes(payload)
        guard let message = try? inflater.inflate(input, bytesMax: BenchLimits.frameBytesMax) else { return nil }
        let bytes = Array(message.readableBytesView)
        if max(bytes.count, payload.count) <= Self.knownBytesMax {
            known[slot].payload.removeAll(keepingCapacity: true)
            known[slot].payload.append(contentsOf: payload)
            known[slot].message = bytes
        }
        return bytes
    }

    /// FNV-1a of the length and the first bytes.
    private static func slot(of payload: ArraySlice<UInt8>) -> Int {
        var hash = 0xcbf2_9ce4_8422_2325 ^ UInt64(payload.count)
        for byte in payload.prefix(hashedBytes) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return Int((hash ^ hash >> 32) % UInt64(knownMax))
    }
}
