/// Random numbers that come again with the same seed.
///
/// A counter that is mixed with multiplications and shifts: good enough for a schedule, and no use for secrets.
public struct CheckRandom: RandomNumberGenerator, Sendable {
    private var counter: UInt64

    /// The numbers of that seed; a stream of its own for each `stream`.
    public init(seed: UInt64, stream: UInt64 = 0) {
        counter = Self.mixed(seed) ^ Self.mixed(stream &* 0xd134_2543_de82_ef95 &+ 1)
    }

    /// The next number.
    public mutating func next() -> UInt64 {
        counter &+= 0xa076_1d64_78bd_642f
        return Self.mixed(counter)
    }

    /// True so many times in a thousand.
    public mutating func chance(_ permille: Int) -> Bool { below(1000) < permille }

    /// A number from 0 to one less than `bound`.
    public mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<max(1, bound), using: &self) }

    private static func mixed(_ number: UInt64) -> UInt64 {
        var word = number
        word = (word ^ (word >> 32)) &* 0xe703_7ed1_a0b4_28db
        word = (word ^ (word >> 29)) &* 0x8ebc_6af0_9c88_c6e3
        return word ^ (word >> 32)
    }
}
