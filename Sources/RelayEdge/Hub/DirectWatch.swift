import RelayCore

/// Since when users' channels may have missed something, so that it is asked in time what went on in conversations.
///
/// The list of rooms tells that for all users of the edge at once. Its scores may come late: by a second, and by longer
/// where the edge that posted was cut off too. So what was missed is asked for once more until a while has passed.
struct DirectWatch {
    /// How long after the channels are heard again scores may come late.
    static let lateSpan: Duration = .seconds(30)

    /// From which score on, in ms, something may have been missed; nil where the channels were heard all the while.
    private(set) var missedSince: UInt64?
    private var heardAgain: Moment?

    /// The channels are not heard any more; `checked` is the score up to which all was looked at, 0 for none.
    mutating func lost(checked: UInt64) {
        heardAgain = nil
        guard checked > 0 else { return }
        missedSince = min(missedSince ?? .max, checked)
    }

    /// A user's channel is heard; the others follow within moments.
    mutating func heard(now: Moment) {
        if missedSince != nil, heardAgain == nil { heardAgain = now }
    }

    /// It was asked what went on from `missedSince` on. Without users nobody has missed anything.
    mutating func checked(now: Moment, hasUsers: Bool) {
        if hasUsers {
            guard let heardAgain, now - heardAgain > Self.lateSpan else { return }
        }
        (missedSince, heardAgain) = (nil, nil)
    }
}
