import Foundation
import Glibc

/// Whether what is written may have colours, and how a text gets one.
struct TerminalStyle: Equatable {
    /// What a text looks like, as ECMA-48 counts it.
    enum Paint: String {
        case bold = "1"
        case dim = "2"
        case inverse = "7"
        case red = "31"
        case green = "32"
        case yellow = "33"
    }

    var hasColors: Bool

    /// On a terminal, unless `NO_COLOR` holds anything (no-color.org) or the terminal is a dumb one.
    init(descriptor: Int32 = STDOUT_FILENO, environment: [String: String] = ProcessInfo.processInfo.environment) {
        let isForbidden = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
        hasColors = isatty(descriptor) == 1 && !isForbidden && environment["TERM"] != "dumb"
    }

    init(hasColors: Bool) {
        self.hasColors = hasColors
    }

    /// The text in that look, or as it is.
    func painted(_ text: String, _ paint: Paint) -> String {
        hasColors ? "\u{1b}[\(paint.rawValue)m\(text)\u{1b}[0m" : text
    }

    /// The text in a colour of the 256.
    func painted(_ text: String, color: UInt8) -> String {
        hasColors ? "\u{1b}[38;5;\(color)m\(text)\u{1b}[0m" : text
    }
}
