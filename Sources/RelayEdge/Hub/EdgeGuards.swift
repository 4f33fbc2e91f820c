import NIOCore
import RelayCore
import NIOConcurrencyHelpers

/// What every loop and route of an edge asks before it lets somebody do something: who may not, and who did too much.
///
/// Shared behind locks that are held for one look-up; nothing on the way of a message to its readers asks here.
final class EdgeGuards: Sendable {
    private let sanctions = NIOLockedValueBox(SanctionLedger())
    private let rates: NIOLockedValueBox<UserRateLedger>

    init(limits: Limits) {
        let rate = limits.userRatePerSecond > 0 ? limits.userRatePerSecond : 3 * limits.ratePerSecond
        let burst = limits.userRatePerSecond > 0 ? 2 * rate : max(2 * rate, 3 * limits.burst)
        rates = NIOLockedValueBox(UserRateLedger(ratePerSecond: rate, burst: burst))
    }

    // MARK: Sanctions

    /// Changes what is imposed on whom.
    func update(_ change: (inout SanctionLedger) -> Void) {
        sanctions.withLockedValue { change(&$0) }
    }

    /// Why the user may not be here at all; nil for one who may.
    func objection(toBeingHere user: UserID) -> Refusal? {
        let now = Clock.milliseconds
        guard let end = sanctions.withLockedValue({ $0.kickEnd(of: user, nowMilliseconds: now) }) else { return nil }
        return Refusal(
            .forbidden, "You were sent away from here.", retryAfter: .milliseconds(Int64(clamping: end - now)))
    }

    /// Why the user may not join the room; nil for one who may.
    func objection(toJoining room: RoomID, user: UserID) -> Refusal? {
        let now = Clock.milliseconds
        return sanctions.withLockedValue { $0.objection(toJoining: room, user: user, nowMilliseconds: now) }
    }

    /// Why the user may not send to the room; nil for one who may.
    func objection(toSendingTo room: RoomID, user: UserID) -> Refusal? {
        let now = Clock.milliseconds
        return sanctions.withLockedValue { $0.objection(toSendingTo: room, user: user, nowMilliseconds: now) }
    }

    // MARK: Rates

    /// Counts what somebody asks for.
    ///
    /// - Returns: nil where it may pass, else how long to wait until it may.
    func charge(_ asker: UserRateLedger.Asker, cost: Int) -> Duration? {
        let now = Clock.now
        return rates.withLockedValue { $0.take(asker, cost: cost, now: now) }
    }

    /// Somebody asked for less than was counted.
    func giveBack(_ asker: UserRateLedger.Asker, cost: Int) {
        rates.withLockedValue { $0.giveBack(asker, cost: cost) }
    }

    /// Another edge said who asked for how much there.
    func usageHeard(_ usages: [UserUsage], from edge: EdgeID) {
        let now = Clock.now
        rates.withLockedValue { $0.usageHeard(usages, from: edge, now: now) }
    }

    /// A second is over: of whom to tell the other edges.
    func windowEnded() -> [UserUsage] {
        let now = Clock.now
        return rates.withLockedValue { $0.windowEnded(now: now) }
    }
}
