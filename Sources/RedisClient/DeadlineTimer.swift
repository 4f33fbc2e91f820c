internal import NIOCore

/// One timer that fires at the earliest of the moments it was armed for.
final class DeadlineTimer {
    private let eventLoop: any EventLoop
    private let fired: (DeadlineTimer) -> Void
    private var armed: (moment: ContinuousClock.Instant, task: Scheduled<Void>)?

    init(eventLoop: any EventLoop, fired: @escaping (DeadlineTimer) -> Void) {
        self.eventLoop = eventLoop
        self.fired = fired
    }

    /// Fires at this moment at the latest. Costs nothing where it is armed for an earlier one.
    func arm(for moment: ContinuousClock.Instant) {
        if let armed {
            guard moment < armed.moment else { return }
            armed.task.cancel()
        }
        let wait = ContinuousClock.now.duration(to: moment)
        let task = eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(wait)) { [weak self] in
            guard let self else { return }
            ended(moment)
        }
        armed = (moment, task)
    }

    /// A loop that was held up comes here before it has read what came meanwhile, which may be what is waited for: it
    /// reads that first. And by then the moment has passed for certain.
    private func ended(_ moment: ContinuousClock.Instant) {
        let task = eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(1)) { [weak self] in
            guard let self else { return }
            armed = nil
            fired(self)
        }
        armed = (moment, task)
    }

    /// Does not fire any more until it is armed again.
    func disarm() {
        armed?.task.cancel()
        armed = nil
    }
}
