import RelayCore

/// What is right and wrong about a Redis for a relay, by what it says of itself.
enum RedisJudgement {
    /// A subscriber's buffer that is smaller cuts edges that are merely busy: at least a few hundred ms of traffic.
    static let subscriberBytesMin = 8 << 20
    /// A clock that is further off than this is worth mending.
    static let clockSkewMax = Duration.seconds(1)

    static func all(_ facts: RedisFacts) -> [HopFinding] {
        [role(facts), memory(facts), persistence(facts), buffers(facts)]
    }

    private static func role(_ facts: RedisFacts) -> HopFinding {
        guard facts.info["role"] == "master" else {
            let primary = facts.info["master_host"].map { "\($0):\(facts.info["master_port"] ?? "?")" }
            return HopFinding(
                .role, .wrong, "this is a replica\(primary.map { " of \($0)" } ?? ""): it takes no message",
                remedy: "point --redis-url at the primary, here and at the edges")
        }
        let replicas = facts.number("connected_slaves") ?? 0
        return HopFinding(.role, .well, "primary, \(replicas) replica\(replicas == 1 ? "" : "s")")
    }

    private static func memory(_ facts: RedisFacts) -> HopFinding {
        let policy = facts.info["maxmemory_policy"] ?? "unknown"
        guard policy == "noeviction" else {
            return HopFinding(
                .memory, .wrong,
                "the eviction policy is \(policy): a full Redis throws away messages that are not archived yet",
                remedy: "redis-cli CONFIG SET maxmemory-policy noeviction, and the same line in redis.conf")
        }
        let (used, most) = (facts.number("used_memory") ?? 0, facts.number("maxmemory") ?? 0)
        guard most > 0 else {
            return HopFinding(.memory, .well, "noeviction, \(text(bytes: used)) used, no maxmemory")
        }
        let figures = "\(text(bytes: used)) of \(text(bytes: most)) used"
        guard used < most / 10 * 9 else {
            return HopFinding(
                .memory, .wrong, "\(figures): soon posts are refused as unavailable",
                remedy:
                    "raise maxmemory, lower --keep, or see below whether the archiver lags, which is what empties it")
        }
        return HopFinding(.memory, .well, "noeviction, \(figures)")
    }

    private static func persistence(_ facts: RedisFacts) -> HopFinding {
        guard facts.info["aof_enabled"] == "1" else {
            return HopFinding(
                .persistence, .wrong,
                "there is no append-only file: a restart of Redis loses what was acknowledged and not archived",
                remedy: "redis-cli CONFIG SET appendonly yes, and the same line in redis.conf")
        }
        if facts.info["aof_last_write_status"].map({ $0 != "ok" }) ?? false {
            return HopFinding(
                .persistence, .wrong, "Redis cannot write its append-only file: it refuses every post",
                remedy: "look at Redis's log, and at the disk of its `dir`: full, or gone?")
        }
        switch facts.settings?["appendfsync"] {
        case "always": return HopFinding(.persistence, .well, "append-only, synced with every write: covers power loss")
        case "everysec":
            return HopFinding(
                .persistence, .well,
                "append-only, synced every second: a crash loses nothing, a power cut up to two seconds")
        case "no":
            return HopFinding(
                .persistence, .wrong,
                "append-only, and never synced: a power cut loses half a minute of what was acknowledged",
                remedy: "redis-cli CONFIG SET appendfsync everysec, or always, and the same line in redis.conf")
        default:
            return HopFinding(
                .persistence, .note, "append-only; how it is synced this user may not ask",
                remedy: "give --admin-url a user who may CONFIG GET, or look at appendfsync in redis.conf")
        }
    }

    private static func buffers(_ facts: RedisFacts) -> HopFinding {
        guard let limit = facts.subscriberBuffer else {
            return HopFinding(
                .buffers, .skipped, "client-output-buffer-limit pubsub: this user may not ask",
                remedy: "give --admin-url a user who may CONFIG GET, or look at redis.conf")
        }
        let advice = "redis-cli CONFIG SET client-output-buffer-limit 'pubsub 64mb 16mb 30', and the same in redis.conf"
        if limit.hard == 0, limit.soft == 0 {
            return HopFinding(
                .buffers, .wrong, "subscribers are never cut: one edge that is stuck takes all of Redis's memory",
                remedy: advice)
        }
        let bounds = [limit.hard, limit.soft].filter { $0 > 0 }
        guard let least = bounds.min(), least >= subscriberBytesMin else {
            return HopFinding(
                .buffers, .wrong,
                "a subscriber is cut at \(text(bytes: bounds.min() ?? 0)): edges that are merely busy reconnect all "
                    + "the time",
                remedy: advice)
        }
        let soft = limit.soft > 0 ? ", or at \(text(bytes: limit.soft)) for \(limit.seconds) s" : ""
        let hard = limit.hard > 0 ? text(bytes: limit.hard) : "no size"
        return HopFinding(.buffers, .well, "a stuck subscriber is cut at \(hard)\(soft)")
    }

    /// - Parameters:
    ///   - redis: Redis's time, in µs since 1970.
    ///   - before, after: this machine's, when it was asked and when the answer came.
    static func clock(redis: Int, before: Int, after: Int) -> HopFinding {
        // Anywhere between the two the clocks may agree.
        let offset = redis < before ? redis - before : redis > after ? redis - after : 0
        let skew = Duration.microseconds(abs(offset))
        guard skew > clockSkewMax else {
            return HopFinding(
                .clock, .well, offset == 0 ? "as this machine's" : "\(skew.wholeMilliseconds) ms off this machine's")
        }
        return HopFinding(
            .clock, .wrong,
            "Redis's clock is \(text(skew)) \(offset < 0 ? "behind" : "ahead of") this machine's: ids are its time, "
                + "tokens end by the edges'",
            remedy: "run NTP on both (timedatectl set-ntp true); chronyc tracking says which one is wrong")
    }

    private static func text(_ span: Duration) -> String {
        let milliseconds = span.wholeMilliseconds
        return milliseconds < 10_000 ? "\(milliseconds) ms" : "\(milliseconds / 1000) s"
    }

    /// `512 B`, `1.5 MiB`.
    static func text(bytes: Int) -> String {
        var (value, unit) = (Double(bytes), "B")
        for next in ["KiB", "MiB", "GiB", "TiB"] where value >= 1024 { (value, unit) = (value / 1024, next) }
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 || unit == "B" ? "\(tenths / 10) \(unit)" : "\(tenths / 10).\(tenths % 10) \(unit)"
    }
}
