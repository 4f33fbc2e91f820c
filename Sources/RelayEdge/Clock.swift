import NIOCore
import RelayCore

#if canImport(Glibc)
    import Glibc
#endif

/// The two clocks of the edge: one that never goes back, for deadlines, and the calendar, for what people see.
enum Clock {
    /// Now, for machines.
    static var now: Moment { Moment(.now()) }

    /// Now in ms since 1970, by this machine's calendar.
    static var milliseconds: UInt64 {
        var time = timespec()
        // Writes the variable above and nothing else.
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(clamping: time.tv_sec) * 1000 + UInt64(clamping: time.tv_nsec) / 1_000_000
    }
}

extension Moment {
    /// The same moment of the clock that event loops go by.
    init(_ deadline: NIODeadline) {
        self.init(nanoseconds: Int64(clamping: deadline.uptimeNanoseconds))
    }
}
