import Foundation
import RelayProcess
import NIOConcurrencyHelpers

/// One process of the checker's own relay, and what is known of it.
final class OwnChild: Sendable {
    private struct State {
        var isReady: Bool
        var exitStatus: Int32?
    }

    /// The lock and what it guards, shared with the process's threads.
    private final class Known: Sendable {
        let state: NIOLockedValueBox<State>
        init(isReady: Bool) { state = NIOLockedValueBox(State(isReady: isReady, exitStatus: nil)) }
    }

    private let known: Known
    private let process: ChildProcess

    /// Starts it; without a ready line it counts as ready at once.
    init(command: [String], readyLine: String?) {
        let known = Known(isReady: readyLine == nil)
        self.known = known
        process = ChildProcess.start(
            name: URL(fileURLWithPath: command[0]).lastPathComponent, command: command,
            environment: UpPlan.environment(ProcessInfo.processInfo.environment)
        ) { event in
            known.state.withLockedValue { state in
                switch event {
                case .line(let line): if let readyLine, line.hasPrefix(readyLine) { state.isReady = true }
                case .exited(let end): state.exitStatus = end.status
                case .failed: state.exitStatus = -1
                }
            }
        }
    }

    /// Sends it a signal.
    func signal(_ number: Int32) { process.signal(number) }

    /// Waits until it takes work; false where it ended instead, or does not in time.
    func isReady(within span: Duration) async -> Bool {
        await wait(span) { $0.exitStatus != nil ? false : $0.isReady ? true : nil } ?? false
    }

    /// Waits for its end; nil where it does not come in time.
    func exitStatus(within span: Duration) async -> Int32? { await wait(span) { $0.exitStatus } }

    private func wait<Answer>(_ span: Duration, _ look: (State) -> Answer?) async -> Answer? {
        let deadline = ContinuousClock.now + span
        while ContinuousClock.now < deadline {
            if let answer = known.state.withLockedValue({ look($0) }) { return answer }
            try? await Task.sleep(for: .milliseconds(10))
        }
        return nil
    }
}
