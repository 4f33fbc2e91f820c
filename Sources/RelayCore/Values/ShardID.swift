/// Which part of the rooms one archiver works on: `--shard INDEX/COUNT`.
///
/// A room belongs to the shard `FNV-1a-64(bytes of its id) mod COUNT`. The hash is fixed for ever, because archivers of
/// different builds share one directory.
public struct ShardID: Hashable, Sendable, CustomStringConvertible {
    /// Counts from 0.
    public let index: Int
    /// Into how many parts the rooms are divided.
    public let count: Int

    /// The only shard there is.
    public static let whole = ShardID(index: 0, count: 1)

    /// More archivers than this make no sense, and every one of them costs Redis a look in each interval.
    public static let countMax = 1024

    private init(index: Int, count: Int) {
        self.index = index
        self.count = count
    }

    /// Parses `0/1`; nil where it is not `INDEX/COUNT` with `0 <= INDEX < COUNT <= 1024`.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(Self.isDigit) }),
            let index = Int(parts[0]), let count = Int(parts[1]), index < count, count <= Self.countMax
        else { return nil }
        self.init(index: index, count: count)
    }

    /// Whether the room is this shard's.
    public func owns(_ room: RoomID) -> Bool {
        Self.hash(room.description) % UInt64(count) == UInt64(index)
    }

    /// FNV-1a over the bytes of the text, 64 bits.
    public static func hash(_ text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
    }

    /// The form of the flag and of the key: `0/1`.
    public var description: String { "\(index)/\(count)" }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
}
