import NIOConcurrencyHelpers

/// Waits in a task for the value that an event loop hands over, once.
///
/// It does not go through the continuation: Thread Sanitizer does not see every way in which Swift's runtime hands a
/// value to a task, but it sees a lock. What is pushed to WebSockets does not come this way: no task is on it.
func handedOver<Value: Sendable>(
    isolation: isolated (any Actor)? = #isolation,
    _ begin: (_ handOver: @escaping @Sendable (Value) -> Void) -> Void
) async -> Value {
    let handed = NIOLockedValueBox<Value?>(nil)
    await withCheckedContinuation { continuation in
        begin { value in
            handed.withLockedValue { $0 = value }
            continuation.resume()
        }
    }
    guard let value = handed.withLockedValue({ $0 }) else { preconditionFailure("resumed behind the value") }
    return value
}
