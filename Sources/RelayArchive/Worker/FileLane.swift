internal import DequeModule
internal import NIOConcurrencyHelpers
internal import NIOPosix

/// Runs what one or several rooms do with their files, one thing after the other, on threads that a disk may hold up.
///
/// The threads that Swift has for tasks are as many as there are processors: an fsync on one of them would hold up
/// whatever else there is to do. Lanes share the threads of a pool; a lane has one of them at a time, and only while
/// something is to be done.
final class FileLane: SerialExecutor {
    private struct Waiting {
        // Each job is run once, right below; Swift keeps it alive until then.
        var jobs: Deque<UnownedJob> = []
        var isRunning = false
    }

    private let pool: NIOThreadPool
    private let waiting = NIOLockedValueBox(Waiting())

    init(pool: NIOThreadPool) {
        self.pool = pool
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let isFirst = waiting.withLockedValue { waiting in
            waiting.jobs.append(job)
            defer { waiting.isRunning = true }
            return !waiting.isRunning
        }
        // A pool that is shut down runs it right here: a job that is never run is a task that never ends.
        if isFirst { pool.submit { _ in self.run() } }
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        // The actors on it keep the lane, and whoever runs a job of theirs keeps them.
        unsafe UnownedSerialExecutor(ordinary: self)
    }

    private func run() {
        // Each job is run here and nowhere else, once.
        while let job = next() { unsafe job.runSynchronously(on: asUnownedSerialExecutor()) }
    }

    private func next() -> UnownedJob? {
        waiting.withLockedValue { waiting in
            let job = waiting.jobs.popFirst()
            waiting.isRunning = job != nil
            return job
        }
    }
}
