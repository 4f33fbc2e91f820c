internal import RedisProtocol

/// One call of a script, until it has an outcome.
struct ScriptCall {
    let script: RedisScript
    let keyCount: Int
    /// Keys, then arguments.
    let words: RedisArguments
    let deadline: ContinuousClock.Instant
    let completion: RedisCommander.Completion
    /// How often Redis did not know the script; after `RedisLimits.scriptLoadsMax` times that is the outcome.
    var unknownCount = 0

    func command(digest: String) -> RedisCommand {
        RedisCommand(script: digest, keyCount: keyCount, words: words)
    }
}

/// Which scripts have a digest, and which calls wait for one.
///
/// A digest is told by Redis when it loads the script. It depends on the text alone, so it outlives connections;
/// a server that does not know it says `NOSCRIPT`. The script is then loaded by the same write that repeats the call:
/// a flush of scripts between a load and its call is rare that way, and only costs another try.
struct ScriptCache {
    private enum Entry {
        /// Exits: loaded, or none where loading fails.
        case loading([ScriptCall])
        /// Exit: none where loading it once more fails. While that is under way, calls go out behind it.
        case loaded(digest: String, isReloading: Bool)
    }

    // The script is kept with its entry, so that no other one gets its identity.
    private var entries: [ObjectIdentifier: (script: RedisScript, entry: Entry)] = [:]

    /// What to do with a call.
    enum CallAction {
        /// Send it.
        case send(digest: String)
        /// Load the script; the call waits for it.
        case load
        /// Load the script again, and send the call right behind that.
        case reload(digest: String)
        /// It waits for the load that is under way.
        case wait
        /// Too many wait.
        case refuse(RedisError)
    }

    /// Somebody calls a script, or its call was answered with `NOSCRIPT`.
    mutating func callRequested(_ call: ScriptCall) -> CallAction {
        let identity = ObjectIdentifier(call.script)
        switch entries[identity]?.entry {
        case .loaded(let digest, let isReloading):
            guard call.unknownCount > 0, !isReloading else { return .send(digest: digest) }
            entries[identity] = (call.script, .loaded(digest: digest, isReloading: true))
            return .reload(digest: digest)
        case .loading(var calls):
            guard calls.count < RedisLimits.scriptWaitersMax else { return .refuse(.overloaded) }
            // Not held twice while it grows.
            entries[identity] = nil
            calls.append(call)
            entries[identity] = (call.script, .loading(calls))
            return .wait
        case nil:
            entries[identity] = (call.script, .loading([call]))
            return .load
        }
    }

    /// A script is loaded: the calls to send, in their order.
    mutating func loaded(_ script: RedisScript, digest: String) -> [ScriptCall] {
        let calls = waiting(for: script)
        entries[ObjectIdentifier(script)] = (script, .loaded(digest: digest, isReloading: false))
        return calls
    }

    /// A script could not be loaded: the calls that fail, in their order.
    mutating func loadFailed(_ script: RedisScript) -> [ScriptCall] {
        let calls = waiting(for: script)
        entries[ObjectIdentifier(script)] = nil
        return calls
    }

    private func waiting(for script: RedisScript) -> [ScriptCall] {
        guard case .loading(let calls) = entries[ObjectIdentifier(script)]?.entry else { return [] }
        return calls
    }
}
