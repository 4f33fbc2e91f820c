internal import Foundation

/// How many times as long as a quiet machine needs tests wait, for machines and builds that are slow:
/// `MARTLET_TEST_PATIENCE`. It costs time only where a test fails.
public let patience = max(1, Int(ProcessInfo.processInfo.environment["MARTLET_TEST_PATIENCE"] ?? "") ?? 3)

/// Waits until a condition holds and says whether it did within the time, or that many times it (see `patience`).
///
/// This is the one place in all tests that sleeps.
public func condition(
    within limit: Duration, isolation: isolated (any Actor)? = #isolation, _ holds: () async throws -> Bool
) async rethrows -> Bool {
    let clock = ContinuousClock()
    let deadline = clock.now + limit * patience
    var pause = Duration.milliseconds(1)
    while true {
        if try await holds() { return true }
        guard clock.now < deadline else { return false }
        // A cancelled sleep returns at once; the deadline still ends the loop.
        try? await Task.sleep(for: pause)
        pause = min(pause * 2, .milliseconds(25))
    }
}

/// A condition that a test waited for did not come to hold.
public struct NeverHappened: Error, CustomStringConvertible {
    /// What was waited for, and for how long.
    public let description: String

    /// A failure with these words.
    public init(description: String) {
        self.description = description
    }
}

/// Waits until a condition holds; throws where it does not within the time.
public func eventually(
    _ what: String, within limit: Duration = .seconds(60), isolation: isolated (any Actor)? = #isolation,
    _ holds: () async throws -> Bool
) async throws {
    guard try await condition(within: limit, holds) else {
        throw NeverHappened(description: "within \(limit) it never happened that \(what)")
    }
}
