import Foundation
import RelayCore
import RelayEdge
import RelayRedis
import RelaySettings

/// What the flags' own types cannot tell, and what follows from them.
extension EdgeSettings {
    /// The configurations of the edge and of its adapters, and the directory of the archive, where it reads one.
    ///
    /// - Throws: `SettingError`, which names the setting.
    func checked() throws(SettingError) -> (
        edge: EdgeConfiguration, relay: RedisRelayConfiguration, archive: String?
    ) {
        let id = try makeEdgeID()
        guard let keys = KeySpace(prefix: redis.keyPrefix) else {
            throw SettingError(setting: "--key-prefix", problem: "it takes letters, digits and . _ : - only")
        }
        var relay = RedisRelayConfiguration(
            redis: try redis.configuration(clientName: "martlet-edge"), keys: keys, edge: id,
            version: RelayVersion.current)
        relay.ceiling = try number("--ceiling", ceiling, in: 1...100_000_000)
        let keep = try number("--keep", keep, in: 1...10_000_000)
        relay.keep = archive == .off ? keep : nil
        relay.gatherSpan = try coalesceSpan()
        relay.ackReplicas = try number("--ack-replicas", ackReplicas, in: 0...64)
        // A room that a post finds missing is made by the edge, which knows how many its author may have.
        relay.isAutoCreating = false
        if let archiveDir { try directory("--archive-dir", archiveDir) }
        return (try makeConfiguration(id), relay, archiveDir)
    }

    private func coalesceSpan() throws(SettingError) -> Duration {
        try span("--coalesce", coalesce, in: .zero ... .milliseconds(50))
    }

    private func makeConfiguration(_ id: EdgeID) throws(SettingError) -> EdgeConfiguration {
        guard listen.isLoopback || insecure || auth == .jwt else {
            throw SettingError(
                setting: "--listen",
                problem: "other machines can reach \(listen.host), and with --auth none anyone is whom they say; "
                    + "--insecure allows it")
        }
        var edge = EdgeConfiguration(edge: id)
        edge.host = listen.host
        edge.port = listen.port
        edge.limits = try makeLimits()
        edge.restrictsHosts = auth == .none
        edge.trustedProxies = trustProxy
        edge.metrics = metricsListen.map { ($0.host, $0.port) }
        edge.autoCreate = autoCreate == .on
        edge.leaveGrace = try span("--leave-grace", leaveGrace, in: .zero ... .seconds(300))
        edge.coalesce = try coalesceSpan()
        edge.pingInterval = try span("--ping-interval", pingInterval, in: .seconds(1) ... .seconds(3600))
        edge.drain = try span("--drain", drain, in: .zero ... .seconds(3600))
        for origin in allowOrigin where origin != "*" && !Self.isOrigin(origin) {
            throw SettingError(setting: "--allow-origin", problem: "\(origin) is not of the form https://host[:port]")
        }
        edge.allowedOrigins = allowOrigin
        edge.deflates = deflate == .on
        edge.usesRing = ioUring == .on
        edge.servesWebClient = webClient == .on
        edge.isConformance = conformance
        _ = try number("--threads", threads, in: 0...1024)
        switch (tlsCert, tlsKey) {
        case (nil, nil): break
        case (let certificate?, let key?):
            try readable("--tls-cert", certificate)
            try readable("--tls-key", key)
            edge.tls = (certificate, key)
            do { try edge.checkTLS() } catch { throw SettingError(setting: error.setting, problem: error.reason) }
        case (_?, nil): throw SettingError(setting: "--tls-key", problem: "--tls-cert needs it")
        case (nil, _?): throw SettingError(setting: "--tls-cert", problem: "--tls-key needs it")
        }
        return edge
    }

    private func makeLimits() throws(SettingError) -> Limits {
        var limits = Limits()
        limits.textBytesMax = try number("--max-text", maxText, in: 1...32_768)
        limits.ratePerSecond = try number("--rate", rate, in: 1...1_000_000)
        limits.burst = try number("--burst", burst, in: 1...1_000_000)
        limits.roomsPerSessionMax = try number("--max-rooms", maxRooms, in: 1...10_000)
        limits.connectionsMax = try number("--max-connections", maxConnections, in: 1...10_000_000)
        if let userRate { limits.userRatePerSecond = try number("--user-rate", userRate, in: 1...1_000_000) }
        limits.connectionsPerAddressMax = try number(
            "--max-connections-per-address", maxConnectionsPerAddress, in: 0...10_000_000)
        limits.slowBudgetBytes = try number("--slow-budget", slowBudget.bytes, in: 16_384...1 << 30)
        return limits
    }

    private func makeEdgeID() throws(SettingError) -> EdgeID {
        let name = edgeId ?? ProcessInfo.processInfo.hostName.split(separator: ".").first.map(String.init) ?? "edge"
        guard UserID(name) != nil else {
            throw SettingError(
                setting: "--edge-id", problem: "it takes 1 to \(Limits.identifierBytesMax) letters, digits and . _ @ -")
        }
        let suffix = String(UInt32.random(in: .min ... .max), radix: 36)
        return EdgeID("\(name)-\(suffix)")
    }

    private func number(_ setting: String, _ value: Int, in range: ClosedRange<Int>) throws(SettingError) -> Int {
        guard range.contains(value) else {
            throw SettingError(
                setting: setting, problem: "\(value) is not between \(range.lowerBound) and \(range.upperBound)")
        }
        return value
    }

    private func span(
        _ setting: String, _ value: SpanSetting, in range: ClosedRange<Duration>
    ) throws(SettingError) -> Duration {
        guard range.contains(value.duration) else {
            let (low, high) = (SpanSetting(range.lowerBound), SpanSetting(range.upperBound))
            throw SettingError(
                setting: setting,
                problem: "\(value.defaultValueDescription) is not between \(low.defaultValueDescription) and "
                    + high.defaultValueDescription)
        }
        return value.duration
    }

    private func readable(_ setting: String, _ path: String) throws(SettingError) {
        guard FileManager.default.isReadableFile(atPath: path) else {
            throw SettingError(setting: setting, problem: "cannot read \(path)")
        }
    }

    private func directory(_ setting: String, _ path: String) throws(SettingError) {
        var isDirectory: ObjCBool = false
        // `isDirectory` is a variable of ours and outlives the call.
        guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue
        else {
            throw SettingError(setting: setting, problem: "\(path) is not a directory")
        }
        guard FileManager.default.isReadableFile(atPath: path), FileManager.default.isExecutableFile(atPath: path)
        else {
            throw SettingError(setting: setting, problem: "cannot read \(path)")
        }
    }

    private static func isOrigin(_ text: String) -> Bool {
        for scheme in ["http://", "https://"] where text.hasPrefix(scheme) {
            let rest = text.dropFirst(scheme.count)
            return !rest.isEmpty && !rest.contains("/") && !rest.contains(" ")
        }
        return false
    }
}
