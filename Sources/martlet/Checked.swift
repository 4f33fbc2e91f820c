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

    static func messageID(_ setting: String, _ text: String) throws(SettingError) -> MessageID {
        guard let id = MessageID(text) else {
            throw SettingError(setting: setting, problem: "it takes an id, 1763691000123-0, or a time in ms")
        }
        return id
    }
}

/// The end of the program from a thread that is not the main one.
enum Ending {
    static func exit(_ code: Int32) -> Never { Foundation.exit(code) }
}
