public import RedisProtocol

extension RedisCommander {
    /// Calls a script by its digest, and loads it first where Redis does not know it.
    ///
    /// Calls that find the script unknown together are sent again together, in their order; a call of another script,
    /// or a plain command, may overtake them. Needs the rights to `EVALSHA` and `SCRIPT LOAD`. The deadline is that of
    /// the whole, and is the configuration's where it is nil.
    public func evaluate(
        _ script: RedisScript, keys: [String], arguments: RedisArguments, deadline: Duration? = nil,
        completion: @escaping Completion
    ) {
        var words = RedisArguments(capacity: arguments.byteCount + 64 * keys.count)
        words.append(contentsOf: keys)
        words.append(contentsOf: arguments)
        evaluate(script, keyCount: keys.count, words: words, deadline: deadline, completion: completion)
    }

    /// The same, where the keys, so many of them, and the arguments stand in `words` one behind the other.
    public func evaluate(
        _ script: RedisScript, keyCount: Int, words: RedisArguments, deadline: Duration? = nil,
        completion: @escaping Completion
    ) {
        run(
            ScriptCall(
                script: script, keyCount: keyCount, words: words, deadline: moment(deadline), completion: completion))
    }

    private func run(_ call: ScriptCall) {
        switch scripts.callRequested(call) {
        case .send(let digest): send(call, digest: digest)
        case .load: load(call.script, until: call.deadline)
        case .reload(let digest):
            load(call.script, until: call.deadline)
            send(call, digest: digest)
        case .wait: break
        case .refuse(let error): call.completion(.failure(error))
        }
    }

    private func send(_ call: ScriptCall, digest: String) {
        send(call.command(digest: digest), until: call.deadline) { outcome in
            if case .failure(let error) = outcome, error.kind == .noScript,
                call.unknownCount < RedisLimits.scriptLoadsMax
            {
                var again = call
                again.unknownCount += 1
                self.run(again)
            } else {
                call.completion(outcome)
            }
        }
    }

    private func load(_ script: RedisScript, until deadline: ContinuousClock.Instant) {
        send(RedisCommand("SCRIPT", "LOAD", script.source), until: deadline) { outcome in
            switch outcome {
            case .success(let reply):
                guard let digest = reply.string else {
                    self.fail(self.scripts.loadFailed(script), .protocolViolation("SCRIPT LOAD without a digest"))
                    return
                }
                for call in self.scripts.loaded(script, digest: digest) { self.send(call, digest: digest) }
            case .failure(let error):
                // Loading may have happened, but none of the calls has.
                let isUnknown = error.mayHaveExecuted
                self.fail(
                    self.scripts.loadFailed(script), isUnknown ? .connectionLost(mayHaveExecuted: false) : error)
            }
        }
    }

    private func fail(_ calls: [ScriptCall], _ error: RedisError) {
        for call in calls { call.completion(.failure(error)) }
    }
}
