internal import Foundation
internal import Glibc

extension Process {
    /// Starts the process with no signal blocked.
    ///
    /// A child inherits the signal mask of the thread that starts it, and the threads that run Swift tasks block
    /// nearly all signals: a shell would wait for its own children for ever, and redis-server would not hear SIGTERM.
    func runWithoutBlockedSignals() throws {
        var none = sigset_t()
        var before = sigset_t()
        unsafe sigemptyset(&none)
        unsafe pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        try run()
    }
}
