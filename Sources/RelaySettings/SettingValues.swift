public import ArgumentParser

/// A span of time as people write it: `200ms`, `5s`, `2m`, `1h`.
public struct SpanSetting: ExpressibleByArgument, Sendable, Equatable {
    /// The span.
    public let duration: Duration

    /// The span of that length.
    public init(_ duration: Duration) {
        self.duration = duration
    }

    /// Parses a number with a unit; a bare number is refused, since nobody can know what was meant.
    public init?(argument: String) {
        let digits = argument.prefix { $0.isASCII && $0.isNumber }
        guard let count = Int64(digits), count <= 86_400_000 else { return nil }
        switch argument.dropFirst(digits.count) {
        case "ms": duration = .milliseconds(count)
        case "s": duration = .seconds(count)
        case "m": duration = .seconds(count * 60)
        case "h": duration = .seconds(count * 3600)
        default: return nil
        }
    }

    /// The form that is parsed.
    public var defaultValueDescription: String {
        let (seconds, attoseconds) = duration.components
        return attoseconds == 0 ? "\(seconds)s" : "\(seconds * 1000 + attoseconds / 1_000_000_000_000_000)ms"
    }
}

/// A number of bytes as people write it: `262144`, `256KiB`, `1MiB`.
public struct ByteCountSetting: ExpressibleByArgument, Sendable, Equatable {
    /// How many bytes.
    public let bytes: Int

    /// That many bytes.
    public init(bytes: Int) {
        self.bytes = bytes
    }

    /// Parses a number with or without a unit.
    public init?(argument: String) {
        let digits = argument.prefix { $0.isASCII && $0.isNumber }
        guard let count = Int(digits), count <= 1 << 40 else { return nil }
        switch argument.dropFirst(digits.count) {
        case "", "B": bytes = count
        case "KiB": bytes = count << 10
        case "MiB": bytes = count << 20
        default: return nil
        }
    }

    /// The form that is parsed.
    public var defaultValueDescription: String {
        bytes >= 1024 && bytes.isMultiple(of: 1024) ? "\(bytes / 1024)KiB" : "\(bytes)"
    }
}

/// `on` or `off`.
public enum SwitchSetting: String, ExpressibleByArgument, Sendable, CaseIterable {
    case on
    case off
}

/// How log lines look.
public enum LogFormat: String, ExpressibleByArgument, Sendable, CaseIterable {
    case text
    case json
}

/// Where a server listens: `127.0.0.1:8080`, `[::1]:8080`, `localhost:0`.
public struct ListenAddress: ExpressibleByArgument, Sendable, Equatable {
    /// The host without brackets.
    public let host: String
    /// The port; 0 asks the system for a free one.
    public let port: Int

    /// Parses `HOST:PORT`.
    public init?(argument: String) {
        guard let colon = argument.lastIndex(of: ":"),
            case let digits = argument[argument.index(after: colon)...],
            digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = UInt16(digits)
        else { return nil }
        var host = argument[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty else { return nil }
        self.host = String(host)
        self.port = Int(port)
    }

    /// Numbers throughout: `127.0.0.example.org` may be anywhere.
    private static func isLoopbackIPv4(_ host: String) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127"
            && parts.allSatisfy { UInt8($0) != nil && $0.utf8.allSatisfy { $0 != UInt8(ascii: "+") } }
    }

    /// Whether only this machine can reach it.
    public var isLoopback: Bool {
        host == "localhost" || host == "::1" || Self.isLoopbackIPv4(host)
    }

    /// The form that is parsed.
    public var defaultValueDescription: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

extension LogLevelSetting: ExpressibleByArgument {}
