import Foundation
public import Logging

/// Writes log lines to standard error, as text or as JSON, one event a line.
///
/// Whatever comes from outside is escaped: no value can end a line, forge a field or drive a terminal.
public struct LogLineHandler: LogHandler {
    /// The level under which nothing is logged.
    public var logLevel: Logger.Level
    /// Fields that go with every event.
    public var metadata: Logger.Metadata = [:]
    private let label: String
    private let format: LogFormat

    /// A handler for one label.
    public init(label: String, level: Logger.Level, format: LogFormat) {
        self.label = label
        logLevel = level
        self.format = format
    }

    /// Makes this handler the one of every logger of the process. To be called once, before the first logger is made.
    public static func install(level: Logger.Level, format: LogFormat) {
        LoggingSystem.bootstrap { LogLineHandler(label: $0, level: level, format: format) }
    }

    /// One of the fields that go with every event.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes the line of one event to standard error.
    public func log(event: LogEvent) {
        let merged = metadata.merging(event.metadata ?? [:]) { $1 }
        let fields = merged.sorted { $0.key < $1.key }.map { (key: $0.key, value: "\($0.value)") }
        let time = Date.now.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        let line = line(time: time, level: event.level, message: "\(event.message)", fields: fields)
        try? FileHandle.standardError.write(contentsOf: Data((line + "\n").utf8))
    }

    /// The line of an event, without its end.
    func line(
        time: String, level: Logger.Level, message: String, fields: [(key: String, value: String)]
    ) -> String {
        switch format {
        case .text: text(time: time, level: level, message: message, fields: fields)
        case .json: json(time: time, level: level, message: message, fields: fields)
        }
    }

    private func text(
        time: String, level: Logger.Level, message: String, fields: [(key: String, value: String)]
    ) -> String {
        let rest = fields.map { field in
            let isPlain =
                !field.value.isEmpty
                && field.value.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != 0x22 && $0 != 0x3d }
            return " \(Self.escaped(field.key))=\(isPlain ? field.value : Self.quoted(field.value))"
        }
        return "\(time) \(level.rawValue) \(label): \(Self.escaped(message))\(rest.joined())"
    }

    private func json(
        time: String, level: Logger.Level, message: String, fields: [(key: String, value: String)]
    ) -> String {
        let all =
            [("time", time), ("level", level.rawValue), ("logger", label), ("message", message)]
            + fields.map { ($0.key, $0.value) }
        return "{" + all.map { "\(Self.quoted($0.0)):\(Self.quoted($0.1))" }.joined(separator: ",") + "}"
    }

    /// A JSON string in ASCII.
    static func quoted(_ value: String) -> String {
        "\"\(escaped(value))\""
    }

    static func escaped(_ value: String) -> String {
        var result = ""
        for unit in value.utf16 {
            switch unit {
            case 0x22: result += "\\\""
            case 0x5c: result += "\\\\"
            case 0x0a: result += "\\n"
            case 0x0d: result += "\\r"
            case 0x09: result += "\\t"
            case 0x20...0x7e: result.unicodeScalars.append(Unicode.Scalar(UInt8(unit)))
            default:
                let digits = String(unit, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return result
    }
}

/// The level under which nothing is logged.
public enum LogLevelSetting: String, CaseIterable, Sendable {
    case trace
    case debug
    case info
    case notice
    case warning
    case error
    case critical

    /// The level of swift-log.
    public var level: Logger.Level { Logger.Level(rawValue: rawValue) ?? .info }
}
