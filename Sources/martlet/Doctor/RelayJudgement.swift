import RelayCore

/// What is right and wrong about the edges and the archivers, by what they say of themselves in Redis.
enum RelayJudgement {
    /// An edge as Redis has it.
    struct Edge: Equatable {
        var id: String
        /// When its last heartbeat was, in ms.
        var heartbeat: UInt64
        /// `chat:edge:EDGE`.
        var figures: [String: String]
    }

    /// An archiver as Redis has it.
    struct Archiver: Equatable {
        var shard: String
        /// `chat:archiver:SHARD`.
        var figures: [String: String]
        /// Whether somebody holds the shard: what an archiver said of itself outlives it by half a minute.
        var isHeld = true
    }

    /// - Parameters:
    ///   - now: Redis's time in ms.
    ///   - listeners: who hears orders on the control channel; nil where that is not known.
    static func edges(_ edges: [Edge], now: UInt64, listeners: Int?) -> [HopFinding] {
        let lifetime = UInt64(Limits.heartbeatLifetime.wholeMilliseconds)
        let living = edges.filter { $0.heartbeat + lifetime > now }
        let dead = edges.filter { $0.heartbeat + lifetime <= now }
        var findings: [HopFinding] = []
        if living.isEmpty {
            findings.append(
                HopFinding(
                    .edges, .wrong, "no edge is alive: nobody can connect",
                    remedy: "start martlet-edge with this --redis-url and --key-prefix, or see its log"))
        } else {
            let names = living.map { edge in
                let sessions = edge.figures["sessions"] ?? "0"
                let version = edge.figures["version"].map { ", \($0)" } ?? ""
                return "\(edge.id) (\(edge.figures["address"] ?? "?")\(version), \(sessions) sessions)"
            }
            findings.append(HopFinding(.edges, .well, "\(living.count) alive: \(names.joined(separator: ", "))"))
        }
        let versions = Set(living.compactMap { $0.figures["version"] })
        if versions.count > 1 {
            findings.append(
                HopFinding(
                    .edges, .note, "they are of several versions: \(versions.sorted().joined(separator: ", "))",
                    remedy: "fine during a rolling restart; else bring all to the newest one"))
        }
        if let listeners, listeners < living.count {
            findings.append(
                HopFinding(
                    .edges, .wrong, "only \(listeners) of \(living.count) hear orders (kick, notice, drain)",
                    remedy: "the others have lost their subscription: ask /health/ready of each, see their logs"))
        }
        if !dead.isEmpty {
            let names = dead.map { "\($0.id) \(Self.text(now - $0.heartbeat)) ago" }.prefix(5).joined(separator: ", ")
            let more = dead.count > 5 ? " and \(dead.count - 5) more" : ""
            findings.append(
                HopFinding(
                    .edges, .note, "\(dead.count) ended without a word in the last day: \(names)\(more)",
                    remedy: "if nobody killed them, see their logs"))
        }
        return findings
    }

    static func archivers(_ archivers: [Archiver], behindMax: Int) -> [HopFinding] {
        guard !archivers.isEmpty else {
            return [
                HopFinding(
                    .archiver, .wrong, "none runs: streams grow up to --ceiling, then posts are refused as full",
                    remedy: "start martlet-archiver, or, where none is wanted, run edges and doctor with --archive off")
            ]
        }
        let counts = Set(archivers.compactMap { $0.shard.split(separator: "/").last.flatMap { Int($0) } })
        var findings = archivers.map { finding($0, behindMax: behindMax) }
        if counts.count > 1 {
            findings.append(
                HopFinding(
                    .archiver, .wrong,
                    "they do not agree on the number of shards: \(archivers.map(\.shard).joined(separator: ", "))",
                    remedy: "end those with the old --shard; two must not archive one room"))
        } else if let count = counts.first {
            let missing = (0..<count).map { "\($0)/\(count)" }.filter { shard in
                !archivers.contains { $0.shard == shard }
            }
            if !missing.isEmpty {
                findings.append(
                    HopFinding(
                        .archiver, .wrong, "nobody archives shard \(missing.joined(separator: ", "))",
                        remedy: "start martlet-archiver --shard \(missing[0])"))
            }
        }
        return findings
    }

    private static func finding(_ archiver: Archiver, behindMax: Int) -> HopFinding {
        let figures = archiver.figures
        let behind = figures["behind"].flatMap { Int($0) } ?? 0
        let lag = behind == 0 ? "nothing behind" : "\(behind) message\(behind == 1 ? "" : "s") behind"
        let name = "\(archiver.shard) on \(figures["host"] ?? "?")"
        let trouble = figures["last_error"].flatMap { $0.isEmpty ? nil : ", and it said: \($0)" } ?? ""
        guard archiver.isHeld else {
            return HopFinding(
                .archiver, .wrong,
                "\(name) has ended, or is cut off from Redis; \(lag) when it was heard last\(trouble)",
                remedy: "start it again, or see its log: streams grow up to --ceiling, then posts are refused as full")
        }
        if let error = figures["last_error"], !error.isEmpty {
            return HopFinding(
                .archiver, .wrong, "\(name), \(lag): \(error)",
                remedy: "mend that; it tries again by itself, and has lost nothing")
        }
        guard behind <= behindMax else {
            return HopFinding(
                .archiver, .wrong, "\(name) is \(lag)",
                remedy:
                    "is its disk slow, or the machine busy? It loses nothing; divide the rooms with --shard 0/2 and 1/2"
            )
        }
        return HopFinding(.archiver, .well, "\(name), \(lag), \(figures["lines"] ?? "0") lines since its start")
    }

    private static func text(_ milliseconds: UInt64) -> String {
        switch milliseconds / 1000 {
        case 0..<120: "\(milliseconds / 1000) s"
        case 120..<7200: "\(milliseconds / 60_000) min"
        default: "\(milliseconds / 3_600_000) h"
        }
    }
}
