import Foundation
import RelayClient
import RelayCore

/// What a person reads of a client's own state: each change once, however many tries it takes.
struct ClientNotices {
    private var isWaiting = false

    /// The line for an event; nil where there is nothing to say.
    mutating func text(for event: RelayClientEvent) -> String? {
        switch event {
        case .status(.reconnecting(_, let loss)):
            defer { isWaiting = true }
            return isWaiting ? nil : "no connection: \(Failure.text(loss)); trying until there is one"
        case .status(.connected):
            defer { isWaiting = false }
            return isWaiting ? "connected" : nil
        case .gap(let gap):
            let count = gap.missing.map { "\($0.count)" } ?? "some"
            return "missed \(count) messages (\(gap.reason.rawValue))"
        case .rewound: return "Redis lost messages; the relay has put back what it had"
        case .dropped(_, let refusal): return "the room does not take us back: \(PlainText.cleaned(refusal.message))"
        case .notice(let text): return "operators say: \(PlainText.cleaned(text))"
        case .status, .message, .direct, .event: return nil
        }
    }
}

/// The time of a message for people.
enum ClockTime {
    private static let calendar = Calendar(identifier: .gregorian)

    /// Hours, minutes and seconds of a time in ms, in the zone of this machine.
    static func text(milliseconds: UInt64) -> String {
        let date = Date(timeIntervalSince1970: Double(milliseconds) / 1000)
        let parts = calendar.dateComponents([.hour, .minute, .second], from: date)
        return [parts.hour, parts.minute, parts.second].map { part in
            let digits = "\(part ?? 0)"
            return digits.count < 2 ? "0\(digits)" : digits
        }.joined(separator: ":")
    }
}
