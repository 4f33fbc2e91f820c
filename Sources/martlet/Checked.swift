import Foundation
import RelayCore
import RelaySettings

/// Settings whose type does not tell whether they are right.
enum Checked {
    static func number(_ setting: String, _ value: Int, in range: ClosedRange<Int>) throws(SettingError) -> Int {
        guard range.contains(value) else {
            throw SettingError(
                setting: setting, problem: "\(value) is not between \(range.lowerBound) and \(range.upperBound)")
        }
        return value
    }

    static func nonce(_ text: String?) throws(SettingError) -> Nonce? {
        guard let text else { return nil }
        guard let nonce = Nonce(text) else {
            throw SettingError(
                setting: "--nonce", problem: "it takes 1 to \(Limits.nonceBytesMax) printable ASCII characters")
        }
        return nonce
    }

    /// A place in a room: an id, a time in ms, or a span before now, `10m`.
    static func point(
        _ setting: String, _ text: String, now: Date = Date()
    ) throws(SettingError) -> MessageID {
        if let span = SpanSetting(argument: text) {
            // Not by way of nanoseconds: a span may be longer than they count.
            let (seconds, attoseconds) = span.duration.components
            let moment = Int64(now.timeIntervalSince1970 * 1000) - seconds * 1000 - attoseconds / 1_000_000_000_000_000
            return MessageID(milliseconds: UInt64(max(0, moment)), sequence: 0)
        }
        guard let id = MessageID(text) else {
            throw SettingError(
                setting: setting, problem: "it takes an id, 1763691000123-0, a time in ms, or how long ago, 10m")
        }
        return id
    }
}

/// The end of the program from a thread that is not the main one.
enum Ending {
    static func exit(_ code: Int32) -> Never { Foundation.exit(code) }
}
