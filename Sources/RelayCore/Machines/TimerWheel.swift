/// Many deadlines on one clock: a ring of slots, one of which comes due a tick.
///
/// An entry fires at its deadline or up to one `tick` later, never earlier, unless the deadline lies beyond the wheel's
/// span: then it fires at the far end and its owner, who always looks at the time itself, sets it again.
public struct TimerWheel<Entry> {
    private var slots: [[Entry]]
    private let tick: Int64
    private var current: Int64

    /// A wheel with `slots` ticks, beginning at `now`.
    public init(tick: Duration, slots: Int, now: Moment) {
        self.tick = tick.wholeNanoseconds
        self.slots = Array(repeating: [], count: slots)
        current = now.nanoseconds / self.tick
    }

    /// Sets an entry for a deadline.
    public mutating func schedule(_ entry: Entry, at deadline: Moment) {
        let due = (deadline.nanoseconds + tick - 1) / tick
        let clamped = min(max(due, current + 1), current + Int64(slots.count) - 1)
        slots[Int(clamped % Int64(slots.count))].append(entry)
    }

    /// Takes out what came due until `now`.
    public mutating func advance(to now: Moment) -> [Entry] {
        let target = now.nanoseconds / tick
        var due: [Entry] = []
        var remaining = min(target - current, Int64(slots.count))
        while remaining > 0 {
            current += 1
            remaining -= 1
            let index = Int(current % Int64(slots.count))
            due.append(contentsOf: slots[index])
            slots[index].removeAll(keepingCapacity: slots[index].count < 1024)
        }
        current = max(current, target)
        return due
    }
}
