public import Logging
internal import NIOConcurrencyHelpers

/// Collects log lines for a test to look at.
public final class LogCapture: Sendable {
    /// One line.
    public struct Line: Sendable {
        /// How bad it is.
        public let level: Logger.Level
        /// The static text.
        public let message: String
        /// What varies, as text.
        public let metadata: [String: String]
    }

    private let collected = NIOLockedValueBox<[Line]>([])

    /// A capture without lines.
    public init() {}

    /// All lines so far, in order.
    public var lines: [Line] { collected.withLockedValue { $0 } }

    /// How many lines have this message.
    public func count(of message: String) -> Int {
        lines.count { $0.message == message }
    }

    /// A logger of all levels that writes here.
    public func logger(label: String = "test") -> Logger {
        Logger(label: label) { _ in Handler(capture: self) }
    }

    fileprivate func add(_ line: Line) {
        collected.withLockedValue { $0.append(line) }
    }
}

private struct Handler: LogHandler {
    let capture: LogCapture
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var all = metadata
        all.merge(event.metadata ?? [:]) { $1 }
        capture.add(
            LogCapture.Line(
                level: event.level, message: event.message.description, metadata: all.mapValues { $0.description }))
    }
}
