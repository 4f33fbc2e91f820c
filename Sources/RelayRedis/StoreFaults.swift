internal import Logging
internal import NIOCore
internal import RedisProtocol
internal import RelayCore

/// Turns what Redis refuses into what clients are told, and says it in the log: once a minute by kind.
///
/// A broken connection is not said here: the connection says it once itself.
final class StoreFaults {
    private let logger: Logger
    private var silentUntil: [String: NIODeadline] = [:]
    /// How often each thing went wrong: the code of an error of Redis, or a word of ours.
    private(set) var counts: [String: UInt64] = [:]

    /// Kinds that are counted by name; what comes after is `other`.
    private static let kindsMax = 64

    init(logger: Logger) {
        self.logger = logger
    }

    /// The refusal for an error met while doing something.
    func refusal(for error: RedisError, doing task: StaticString) -> Refusal {
        switch error {
        case .serverError(let code, let message):
            note(RESPError(line: message.hasPrefix(code) ? message : "\(code) \(message)"), doing: task)
        case .protocolViolation, .overloaded, .unsupportedVersion:
            note("Redis cannot be used", kind: kind(of: error), doing: task, detail: error.description, isOurs: true)
        case .unavailable, .closed, .connectFailed, .connectionLost, .timeout:
            count(kind(of: error))
        }
        return .unavailable
    }

    /// Notes an error of Redis that needs no answer.
    func note(_ error: RESPError, doing task: StaticString) {
        // Redis 7.0 says so without the code where a script does what its user may not.
        let isForbidden = error.message.hasPrefix("ERR The user executing the script can't")
        let code = isForbidden ? "NOPERM" : error.code
        let kind = RedisErrorKind(code: code)
        // Other errors may quote arguments, and with them what people wrote.
        let detail: String? =
            switch kind {
            case .other, .noScript: nil
            default: error.message
            }
        note("Redis refuses", kind: code, doing: task, detail: detail, isOurs: kind == .wrongType)
    }

    /// Notes that a reply is not what the script or command gives.
    func unreadableReply(doing task: StaticString) -> Refusal {
        note("Redis answers what is not understood", kind: "reply", doing: task, detail: nil, isOurs: true)
        return .unavailable
    }

    /// Notes that a room changed under each of the looks at it.
    func restlessRoom(doing task: StaticString) -> Refusal {
        note("A room changes faster than it can be read", kind: "restless", doing: task, detail: nil, isOurs: true)
        return .unavailable
    }

    /// Counts entries that somebody put there by hand and that cannot be read.
    func foreignEntries(_ number: Int) {
        guard number > 0 else { return }
        counts["foreign_entry", default: 0] += UInt64(number)
    }

    /// Notes that markers were dropped because too many waited.
    func markersDropped(_ number: UInt64) {
        guard number > 0 else { return }
        note(
            "More markers wait than are kept", kind: "marker", doing: "telling what was read", detail: nil, isOurs: true
        )
        counts["marker", default: 0] += number - 1
    }

    /// Says that messages which Redis lost were put back, some of them in other places.
    func restored(_ number: Int, moved: Int) {
        logger.notice("Put back what Redis lost of a room", metadata: ["messages": "\(number)", "moved": "\(moved)"])
    }

    private func note(
        _ message: Logger.Message, kind: String, doing task: StaticString, detail: String?, isOurs: Bool
    ) {
        count(kind)
        let now = NIODeadline.now()
        if let until = silentUntil[kind], now < until { return }
        if silentUntil.count >= Self.kindsMax { silentUntil.removeAll() }
        silentUntil[kind] = now + .minutes(1)
        var metadata: Logger.Metadata = ["code": "\(kind)", "doing": "\(task)"]
        if let detail { metadata["detail"] = "\(detail)" }
        logger.log(level: isOurs ? .error : .warning, message, metadata: metadata)
    }

    private func count(_ kind: String) {
        // They are labels of a metric, and what stands behind an address may be something else than Redis.
        let isWord =
            kind.utf8.count <= 32 && kind.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        let isKnown = counts[kind] != nil || (isWord && counts.count < Self.kindsMax)
        counts[isKnown ? kind : "other", default: 0] += 1
    }

    private func kind(of error: RedisError) -> String {
        switch error {
        case .unavailable: "unavailable"
        case .overloaded: "overloaded"
        case .closed: "closed"
        case .connectFailed: "connect"
        case .connectionLost: "connection_lost"
        case .timeout: "timeout"
        case .serverError(let code, _): code
        case .unsupportedVersion: "version"
        case .protocolViolation: "protocol"
        }
    }
}
