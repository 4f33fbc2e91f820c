public import NIOCore
public import RelayCore
import RelayWire

/// What came of a run.
public struct CheckReport: Sendable {
    /// A violation, and the events that show it.
    public struct Finding: Sendable {
        /// What did not hold.
        public var violation: Violation
        /// The shortest history that shows it.
        public var history: [CheckEvent]
    }

    /// What the run was.
    public struct Setting: Sendable {
        /// The seed of the schedule.
        public var seed: UInt64
        /// How many edges there were.
        public var edges: Int
        /// The rooms.
        public var rooms: [RoomID]
        /// How many clients there were.
        public var clients: Int
        /// How long they were at it.
        public var duration: Duration
        /// Whether the archive was read.
        public var hasArchive: Bool

        /// A setting of the given parts.
        public init(
            seed: UInt64, edges: Int, rooms: [RoomID], clients: Int, duration: Duration, hasArchive: Bool
        ) {
            self.seed = seed
            self.edges = edges
            self.rooms = rooms
            self.clients = clients
            self.duration = duration
            self.hasArchive = hasArchive
        }
    }

    /// What the run was.
    public var setting: Setting
    /// What was counted.
    public var tally: CheckTally
    /// The first violations of each kind.
    public var findings: [Finding]
    /// All violations by kind.
    public var counts: [CheckRule: Int]

    /// Whether everything held.
    public var isClean: Bool { counts.isEmpty }

    /// The guarantees, each with whether it held.
    public var verdicts: [(guarantee: Guarantee, text: String)] {
        let wasDrained = tally.faults[.restartEdge] != nil
        return Guarantee.allCases.map { guarantee in
            let broken = counts.filter { $0.key.guarantee == guarantee }.sorted { $0.key.rawValue < $1.key.rawValue }
            if !broken.isEmpty {
                let kinds = broken.map { "\($0.key.rawValue) \($0.value)" }.joined(separator: ", ")
                return (guarantee, "BROKEN: \(kinds)")
            }
            switch guarantee {
            case .sharedRead: return (guarantee, "not looked at")
            case .drain where !wasDrained: return (guarantee, "not tried")
            case .acknowledged where !setting.hasArchive: return (guarantee, "held, archive not looked at")
            default: return (guarantee, "held")
            }
        }
    }

    /// The table, and on failure the histories, for people.
    public func lines() -> [String] {
        let faults = tally.faults.sorted { $0.key.rawValue < $1.key.rawValue }
            .map { "\($0.key.rawValue) \($0.value)" }.joined(separator: ", ")
        var lines = [
            "seed        \(setting.seed)",
            "run         \(seconds) s, \(setting.edges) edges, \(setting.rooms.count) rooms, "
                + "\(setting.clients) clients",
            "faults      \(tally.faults.values.reduce(0, +))\(faults.isEmpty ? "" : ": \(faults)")",
            "clients     \(tally.connections) connections, \(tally.joins) joins, \(tally.recoveries) recoveries, "
                + "\(tally.stalls) stalls",
            "sends       \(tally.sends), and \(tally.retries) tried again; \(tally.refusals) refused",
            "acks        \(tally.acks), of these \(tally.duplicates) duplicates",
            "deliveries  \(tally.deliveries), the longest after its ack \(tally.worstGap) ms",
            "read        \(tally.stored) in streams, \(tally.archived) in the archive, "
                + "\(tally.paged) in pages of history",
            "losses      \(tally.declaredLosses) declared", "",
        ]
        let width = Guarantee.allCases.map(\.summary.count).max() ?? 0
        for (guarantee, text) in verdicts {
            let padding = String(repeating: " ", count: width - guarantee.summary.count)
            lines.append("  \(guarantee.rawValue)  \(guarantee.summary)\(padding)  \(text)")
        }
        lines += ["", isClean ? "every guarantee held" : "\(counts.values.reduce(0, +)) violations"]
        return lines + findingLines()
    }

    private func findingLines() -> [String] {
        let text = EventText(rooms: setting.rooms)
        return findings.flatMap { finding -> [String] in
            let rule = finding.violation.rule
            let room = finding.violation.focus.room.flatMap {
                setting.rooms.indices.contains($0) ? setting.rooms[$0] : nil
            }
            return [
                "",
                "guarantee \(rule.guarantee.rawValue), \(rule.rawValue)\(room.map { " in \($0)" } ?? ""): "
                    + finding.violation.text,
            ] + finding.history.map { text.line($0) }
        }
    }

    private var seconds: String {
        let tenths = setting.duration.wholeMilliseconds / 100
        return "\(tenths / 10).\(tenths % 10)"
    }

    /// One JSON object, for programs.
    public func json() -> ByteBuffer {
        let text = EventText(rooms: setting.rooms)
        var buffer = ByteBuffer()
        buffer.writeJSONObject { object in
            object.bool("ok", isClean)
            object.integer("seed", setting.seed)
            object.integer("duration_ms", setting.duration.wholeMilliseconds)
            object.object("faults") { faults in
                for (fault, count) in tally.faults.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
                    faults.integer(fault.rawValue, count)
                }
            }
            for (key, value) in figures { object.integer(key, value) }
            object.array("guarantees") { array in
                for (guarantee, verdict) in verdicts {
                    array.object { row in
                        row.integer("guarantee", guarantee.rawValue)
                        row.string("summary", guarantee.summary)
                        row.string("verdict", verdict)
                    }
                }
            }
            object.array("violations") { array in
                for finding in findings {
                    array.object { row in
                        row.integer("guarantee", finding.violation.rule.guarantee.rawValue)
                        row.string("rule", finding.violation.rule.rawValue)
                        row.string("text", finding.violation.text)
                        row.array("history") { history in
                            for event in finding.history { history.string(text.line(event)) }
                        }
                    }
                }
            }
        }
        return buffer
    }

    private var figures: [(String, Int)] {
        [
            ("connections", tally.connections), ("joins", tally.joins), ("recoveries", tally.recoveries),
            ("stalls", tally.stalls), ("sends", tally.sends), ("retries", tally.retries), ("acks", tally.acks),
            ("duplicates", tally.duplicates), ("refusals", tally.refusals), ("deliveries", tally.deliveries),
            ("worst_gap_ms", Int(tally.worstGap)), ("stored", tally.stored), ("archived", tally.archived),
            ("paged", tally.paged), ("declared_losses", tally.declaredLosses),
        ]
    }
}
