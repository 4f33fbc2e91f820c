import Testing

@testable import martlet

@Suite("What the doctor makes of figures")
struct DoctorJudgementTests {
    @Test(
        "A clock is off by what the way there and back cannot explain",
        arguments: [
            (5_000_000, 5_000_000, 5_000_000, "well"), (5_400_000, 5_000_000, 5_500_000, "well"),
            (6_500_000, 5_000_000, 5_500_000, "well"), (6_500_001, 5_000_000, 5_499_000, "wrong"),
            (3_900_000, 5_000_000, 5_500_000, "wrong"),
        ])
    func clock(redis: Int, before: Int, after: Int, state: String) {
        #expect(RedisJudgement.clock(redis: redis, before: before, after: after).state.rawValue == state)
    }

    @Test("Which way it is off is said")
    func direction() {
        let behind = RedisJudgement.clock(redis: 0, before: 90_000_000, after: 90_000_000).words
        #expect(behind.contains("90 s behind this machine's"))
        let ahead = RedisJudgement.clock(redis: 95_000_000, before: 90_000_000, after: 90_000_000).words
        #expect(ahead.contains("5000 ms ahead of this machine's"))
    }

    @Test("A disk has bytes and inodes")
    func disk() {
        func state(free: Int, nodes: Int) -> HopFinding.State {
            DiskJudgement.finding(name: "/d", free: free, size: 1000, freeNodes: nodes, nodes: 100, bytesMin: 10).state
        }
        #expect(state(free: 10, nodes: 2) == .well)
        #expect(state(free: 9, nodes: 50) == .wrong)
        #expect(state(free: 10, nodes: 1) == .wrong)
    }

    @Test("Edges: alive by their heartbeat, of one version, all within hearing")
    func edges() {
        func edge(_ id: String, _ heartbeat: UInt64, _ version: String) -> RelayJudgement.Edge {
            .init(id: id, heartbeat: heartbeat, figures: ["address": "http://x", "version": version, "sessions": "3"])
        }
        let now: UInt64 = 100_000
        let two = [edge("a", 99_000, "1.0"), edge("b", 98_000, "1.1"), edge("c", 85_000, "1.0")]
        let findings = RelayJudgement.edges(two, now: now, listeners: 1)
        #expect(findings.map(\.state) == [.well, .note, .wrong, .note])
        #expect(findings[0].words.hasPrefix("2 alive: a (http://x, 1.0, 3 sessions), b"))
        #expect(findings[2].words.hasPrefix("only 1 of 2 hear orders"))
        #expect(findings[3].words.contains("c 15 s ago"))
        #expect(RelayJudgement.edges([two[0]], now: now, listeners: 1).map(\.state) == [.well])
    }

    @Test("Archivers have to agree, and each shard has one")
    func archivers() {
        func states(_ shards: String...) -> [HopFinding.State] {
            RelayJudgement.archivers(shards.map { .init(shard: $0, figures: ["behind": "0"]) }, behindMax: 1)
                .map(\.state)
        }
        #expect(states("0/1") == [.well])
        #expect(states("0/2", "1/2") == [.well, .well])
        #expect(states("0/2") == [.well, .wrong])
        #expect(states("0/1", "1/2") == [.well, .well, .wrong])
        #expect(states() == [.wrong])
        // What it said of itself is still there, and nobody has the shard.
        let ended = RelayJudgement.archivers(
            [.init(shard: "0/1", figures: ["behind": "0", "host": "here"], isHeld: false)], behindMax: 1)
        #expect(ended.map(\.state) == [.wrong] && ended[0].words.hasPrefix("0/1 on here has ended, or is cut off"))
    }

    @Test("A report wraps at the terminal's width, and its worst finding is its exit code")
    func report() {
        var report = DoctorReport(findings: [
            HopFinding(.redis, .well, "answers"),
            HopFinding(.archiver, .wrong, "this is a long finding of many words", remedy: "mend it soon"),
        ])
        #expect(
            report.lines(TerminalStyle(hasColors: false), columns: 44) == [
                "redis     ok           answers", "archiver  WRONG        this is a long",
                "                       finding of many words", "                       -> mend it soon", "",
                "2 looked for: 1 wrong, 1 well",
            ])
        #expect(report.lines(TerminalStyle(hasColors: true), columns: nil)[0].contains("\u{1b}[32mok"))
        #expect(report.exitCode == 1)
        report.findings.append(HopFinding(.edge, .unreachable, "gone\u{1b}[2J"))
        #expect(report.exitCode == 69)
        #expect(!report.lines(TerminalStyle(hasColors: false), columns: nil).joined().contains("\u{1b}"))
        report.findings = [HopFinding(.redis, .note, "x"), HopFinding(.disk, .skipped, "y")]
        #expect(report.exitCode == 0)
    }
}
