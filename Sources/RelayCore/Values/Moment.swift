/// A moment of a clock that never goes back, in nanoseconds since an origin of its own.
///
/// Machines never ask for the time: they are told it, as `now`.
public struct Moment: Hashable, Sendable, Comparable {
    /// Nanoseconds since the clock's origin.
    public let nanoseconds: Int64

    /// That many nanoseconds after the origin.
    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// The earlier one first.
    public static func < (left: Moment, right: Moment) -> Bool { left.nanoseconds < right.nanoseconds }

    /// The moment that much later.
    public static func + (moment: Moment, span: Duration) -> Moment {
        Moment(nanoseconds: moment.nanoseconds + span.wholeNanoseconds)
    }

    /// The span from `earlier` to `later`.
    public static func - (later: Moment, earlier: Moment) -> Duration {
        .nanoseconds(later.nanoseconds - earlier.nanoseconds)
    }
}

extension Duration {
    /// The span in nanoseconds; what is finer is cut off.
    public var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }

    /// The span in milliseconds; what is finer is cut off.
    public var wholeMilliseconds: Int64 { wholeNanoseconds / 1_000_000 }
}
