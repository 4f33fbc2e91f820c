/// How much one user asked for within a second, on one edge.
public struct UserUsage: Sendable, Equatable {
    /// Who.
    public var user: UserID
    /// Ops, those that were refused too.
    public var count: Int

    /// A usage of the given parts.
    public init(user: UserID, count: Int) {
        self.user = user
        self.count = count
    }
}

/// How much each user may ask for, by all sessions and over all edges.
///
/// Each edge has a bucket for each user who asked lately. Once a second it tells the others of those who asked for more
/// than a quarter of the rate; what it hears of others divides the rate between the edges, in the proportion of what is
/// asked for at each. So no op waits for Redis, and the limit is approximate: over k edges a user gets up to k bursts,
/// and k times the rate for the second or two until they have heard of each other; from then on the rate, give or take
/// the least share of a tenth an edge. Who stays under a quarter of the rate on each edge is not noticed.
///
/// At `usersMax` users no further one is counted; the limit of a session holds for them all the same.
public struct UserRateLedger: Sendable {
    /// Users who are counted at a time.
    public static let usersMax = 100_000
    /// Users that one edge tells of in a second, those who ask for most.
    public static let toldMax = 500
    /// How long what another edge said counts.
    static let usageLifetime: Duration = .milliseconds(2500)

    private struct Entry {
        var tokens: Double
        var rate: Double
        var at: Moment
        var asked = 0
        /// What was asked for within the last whole second.
        var askedBefore = 0
        var elsewhere: [EdgeID: (count: Int, at: Moment)] = [:]
    }

    private let rate: Double
    private let burst: Double
    private var entries: [Asker: Entry] = [:]

    /// Who is counted.
    public enum Asker: Hashable, Sendable {
        /// A user, wherever they are.
        case user(UserID)
        /// Somebody who has not said who they are, at one address of this edge.
        case address(IPAddress)
    }

    /// A ledger for that many ops a second, and at once.
    public init(ratePerSecond: Int, burst: Int) {
        rate = Double(max(1, ratePerSecond))
        self.burst = Double(max(1, burst))
    }

    /// How many users are counted.
    public var count: Int { entries.count }

    /// Somebody asks for something.
    ///
    /// - Returns: nil where it may pass, else how long to wait until it may.
    public mutating func take(_ asker: Asker, cost: Int, now: Moment) -> Duration? {
        guard var entry = entries[asker] ?? fresh(now) else { return nil }
        let needed = min(Double(cost), burst)
        refill(&entry, now)
        entry.asked = min(entry.asked + cost, Int(rate) * 4 + Int(burst))
        let isEnough = entry.tokens >= needed
        if isEnough { entry.tokens -= needed }
        entries[asker] = entry
        return isEnough ? nil : .nanoseconds(Int64((needed - entry.tokens) / entry.rate * 1_000_000_000) + 1)
    }

    /// What somebody asked for turned out to cost so much less. No more than a burst was taken for it, and one of that
    /// was due in any case.
    public mutating func giveBack(_ asker: Asker, cost: Int) {
        guard var entry = entries[asker] else { return }
        entry.tokens = min(burst, entry.tokens + min(Double(cost), burst - 1))
        entry.asked = max(0, entry.asked - cost)
        entries[asker] = entry
    }

    /// Another edge said what users asked for there within a second.
    public mutating func usageHeard(_ usages: [UserUsage], from edge: EdgeID, now: Moment) {
        for usage in usages.prefix(Self.toldMax) where usage.count > 0 {
            guard var entry = entries[.user(usage.user)] ?? fresh(now) else { return }
            // One that says nothing true could be any number of edges: eight are as good as many.
            guard entry.elsewhere[edge] != nil || entry.elsewhere.count < 8 else { continue }
            entry.elsewhere[edge] = (min(usage.count, Int(rate) * 4 + Int(burst)), now)
            divide(&entry, own: max(entry.asked, entry.askedBefore), now)
            entries[.user(usage.user)] = entry
        }
    }

    /// A second is over: whom to tell the others of.
    public mutating func windowEnded(now: Moment) -> [UserUsage] {
        var told: [UserUsage] = []
        var idle: [Asker] = []
        for (asker, var entry) in entries {
            refill(&entry, now)
            entry.elsewhere = entry.elsewhere.filter { now - $0.value.at < Self.usageLifetime }
            if case .user(let user) = asker, Double(entry.asked) * 4 > rate {
                told.append(UserUsage(user: user, count: entry.asked))
            }
            divide(&entry, own: entry.asked, now)
            if entry.asked == 0, entry.elsewhere.isEmpty, entry.tokens >= burst { idle.append(asker) }
            entry.askedBefore = entry.asked
            entry.asked = 0
            entries[asker] = entry
        }
        for asker in idle { entries[asker] = nil }
        return Array(told.sorted { ($1.count, $0.user) < ($0.count, $1.user) }.prefix(Self.toldMax))
    }

    private func fresh(_ now: Moment) -> Entry? {
        entries.count < Self.usersMax ? Entry(tokens: burst, rate: rate, at: now) : nil
    }

    private func refill(_ entry: inout Entry, _ now: Moment) {
        let seconds = Double(max(0, now.nanoseconds - entry.at.nanoseconds)) / 1_000_000_000
        entry.tokens = min(burst, entry.tokens + entry.rate * seconds)
        entry.at = now
    }

    private func divide(_ entry: inout Entry, own: Int, _ now: Moment) {
        refill(&entry, now)
        let others = entry.elsewhere.values.reduce(0) { $0 + $1.count }
        guard others > 0 else {
            entry.rate = rate
            return
        }
        entry.rate = max(rate * Double(own) / Double(own + others), rate / 10)
    }
}
