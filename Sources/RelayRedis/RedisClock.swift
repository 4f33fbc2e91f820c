internal import NIOCore
internal import RelayCore

/// The time of Redis, carried on by our own clock between two words of it.
final class RedisClock {
    private var reference: (milliseconds: UInt64, at: NIODeadline)?

    /// A moment for machines.
    static var now: Moment { Moment(nanoseconds: Int64(clamping: NIODeadline.now().uptimeNanoseconds)) }

    /// Redis told its time.
    func told(milliseconds: UInt64) {
        reference = (milliseconds, .now())
    }

    /// The time of Redis in ms; 0 before it was told for the first time.
    var milliseconds: UInt64 {
        guard let reference else { return 0 }
        let passed = NIODeadline.now() - reference.at
        return reference.milliseconds + UInt64(clamping: passed.nanoseconds / 1_000_000)
    }
}
