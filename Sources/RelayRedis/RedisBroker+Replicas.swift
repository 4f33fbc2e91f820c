internal import NIOCore
internal import RedisClient
internal import RedisProtocol
internal import RelayCore

/// What is acknowledged only once replicas have it, or time is up.
extension RedisBroker {
    func acknowledge(_ receipt: PostReceipt, _ completion: @escaping (Result<PostReceipt, Refusal>) -> Void) {
        switch gate.acknowledged((completion, receipt)) {
        case .none: break
        case .ask: scheduleWait()
        case .release(let waiter): waiter.completion(.success(waiter.receipt.reaching(0)))
        }
    }

    /// At the end of the tick, so that one `WAIT` is about all that was answered in it.
    private func scheduleWait() {
        posts.eventLoop.assumeIsolated().execute { self.wait() }
    }

    private func wait() {
        gate.asked()
        let command = RedisCommand("WAIT", String(ackReplicas), String(Limits.replicaWait.wholeMilliseconds))
        posts.send(command, deadline: Limits.postDeadline) { [self] outcome in
            var reached = 0
            switch outcome {
            case .success(let value): reached = value.int.map { Int($0) } ?? 0
            // The message is stored all the same.
            case .failure(let error): _ = storeFaults.refusal(for: error, doing: "waiting for replicas")
            }
            let (released, asksAgain) = gate.answered()
            if asksAgain { scheduleWait() }
            for waiter in released { waiter.completion(.success(waiter.receipt.reaching(reached))) }
        }
    }
}
