import Foundation
import Glibc
import RelayTestKit
import Testing

/// The archiver is killed, or refused by the system, at one call after the other; what was posted meanwhile is in the
/// files once and in order, and the proof passes.
@Suite(
    "The archiver at every call that can fail", .timeLimit(.minutes(20)), .serialized,
    .enabled(if: InjectedFault.isPossible))
struct ArchiverCrashTests {
    /// 2025-11-21 23:59:59.990 UTC: ten messages from here on lie on both sides of a midnight.
    private static let midnight = 1_763_769_600_000
    private static let dayMilliseconds = 86_400_000

    /// Posts over the midnight of a day of its own, then runs an archiver under a fault until it dies or has done all.
    /// Answers whether it died.
    private func round(_ number: Int, _ injection: String, onFiles: Bool, _ scene: ArchiverScene) async throws -> Bool {
        let day = number * 2
        try await scene.post(4, at: Self.midnight + day * Self.dayMilliseconds - 2)
        let paths = (day - 1...day).map { offset in
            let date = Date(timeIntervalSince1970: Double(Self.midnight / 1000 + offset * 86_400))
            return "\(scene.archive)/general/\(date.formatted(.iso8601.year().month().day())).jsonl"
        }
        // Counted before it starts: it may have closed a day by the next line.
        let said = try await scene.number("seq")
        let target = scene.closedDays + 2
        let archiver = try scene.start(
            "run-\(number)", under: InjectedFault.wrapper(injection, paths: onFiles ? paths : []))
        var hasDied = false
        try await eventually("it dies or has done all", within: .seconds(60)) {
            guard !archiver.hasEnded else { return true }
            return try await scene.number("archived_seq") == said && scene.closedDays >= target
        }
        let status = try await archiver.end(SIGTERM)
        // It may die of the fault at the very moment at which all is done.
        hasDied = status == 128 + SIGKILL
        #expect(hasDied || status == 0, "\(injection): \(status), \(archiver.errors)")
        // What Redis was told is in the files, whatever happened.
        let acknowledged = try await scene.number("archived_seq")
        #expect(try scene.lines().count { $0.hasPrefix("{\"id\"") } >= acknowledged)
        return hasDied
    }

    /// Goes through the points one after the other, on one archive, and ends with an archiver that is left alone.
    private func survive(_ points: [(injection: String, onFiles: Bool)], deathsMin: Int) async throws {
        try await ArchiverScene.run { scene in
            var deaths = 0
            for (number, point) in points.enumerated() {
                if try await round(number + 1, point.injection, onFiles: point.onFiles, scene) { deaths += 1 }
            }
            #expect(deaths >= deathsMin)
            let archiver = try scene.start("last")
            try await archiver.waitUntilReady()
            try await scene.drained()
            try await eventually("all days are closed") { scene.closedDays == scene.files().count }
            #expect(try await archiver.end(SIGTERM) == 0)
            try scene.expectWhole(points.count * 4)
        }
    }

    @Test("Killed at every fsync of a run: files, folders, record and manifest")
    func everySync() async throws {
        try await survive((1...14).map { ("fsync:signal=SIGKILL:when=\($0)", false) }, deathsMin: 8)
    }

    @Test("Killed at every write to a file of messages, and at every call that names a file")
    func everyWrite() async throws {
        let writes = (1...2).map { ("write:signal=SIGKILL:when=\($0)", true) }
        let names = ["rename", "unlink", "ftruncate", "flock", "mkdir"].flatMap { call in
            (1...4).map { ("\(call):signal=SIGKILL:when=\($0)", false) }
        }
        try await survive(writes + names, deathsMin: 6)
    }

    @Test("Killed at every write to the connection, so also between sync and acknowledgement")
    func everyRequest() async throws {
        try await survive(
            stride(from: 1, through: 20, by: 1).map { ("write:signal=SIGKILL:when=\($0)", false) }, deathsMin: 12)
    }

    @Test(
        "Errors of the system at every call are waited out: no space, an I/O error, a sync that fails",
        arguments: [
            ("write:error=ENOSPC:when=1", true), ("write:error=ENOSPC:when=2", true), ("write:error=EIO:when=1", true),
            ("fsync:error=EIO:when=", false), ("fsync:error=ENOSPC:when=", false), ("rename:error=EIO:when=", false),
        ])
    func errors(_ fault: (injection: String, onFiles: Bool)) async throws {
        try await ArchiverScene.run { scene in
            let points = fault.injection.hasSuffix("=") ? (1...5).map { fault.injection + "\($0)" } : [fault.injection]
            for (number, injection) in points.enumerated() {
                #expect(try await !round(number + 1, injection, onFiles: fault.onFiles, scene), "\(injection)")
            }
            let told = points.indices.count { number in
                let path = "\(scene.directory)/run-\(number + 1)/err"
                let text = try? String(contentsOfFile: path, encoding: .utf8)
                return text?.contains("Nothing is acknowledged until this is mended") == true
            }
            #expect(told > 0, "an error that nobody met proves nothing")
            try scene.expectWhole(points.count * 4)
        }
    }

    @Test("Writes that the system takes only a part of arrive whole")
    func shortWrites() async throws {
        try await ArchiverScene.run { scene in
            // A limit inside of a line: the system writes up to it, then refuses.
            let limited = ["/bin/sh", "-c", "ulimit -f 4; exec \"$@\"", "limited"]
            try await scene.post(60, text: String(repeating: "x", count: 100))
            // Thread Sanitizer writes a file of its own at the start, which would be too large too, where it can.
            let environment = ["TMPDIR": scene.directory + "/none"]
            let archiver = try scene.start("limited", under: limited, environment: environment)
            try await eventually("it says so") { archiver.errors.contains("File too large") }
            #expect(try await scene.number("archived_seq") == 0)
            #expect(try await archiver.end(SIGTERM) == 0)
            let next = try scene.start("free")
            try await scene.drained()
            #expect(try await next.end(SIGTERM) == 0)
            try scene.expectWhole(60)
        }
    }

    @Test(
        "A disk that is full: nothing is acknowledged, it says so, and goes on when there is room",
        .enabled(if: Mount.isPossible))
    func fullDisk() async throws {
        try await ArchiverScene.run { scene in
            try FileManager.default.createDirectory(atPath: scene.archive, withIntermediateDirectories: false)
            let mount = try Mount(bytes: 256 * 1024, at: scene.archive)
            defer { mount.remove() }
            let archiver = try scene.start("full", ["--keep", "5"])
            try await archiver.waitUntilReady()
            try await scene.post(2000, text: String(repeating: "y", count: 200))
            try await eventually("it says so") { archiver.errors.contains("No space left") }
            try await eventually("so does the status") {
                try await scene.redis.cli("HGET", "chat:archiver:0/1", "last_error").contains("No space left")
            }
            let behind = try await scene.number("archived_seq")
            #expect(behind < 2000)
            let length = try await scene.redis.cli("XLEN", "chat:{general}:stream")
            #expect(Int(length) ?? 0 >= 2000 - behind)
            try mount.resize(bytes: 8 << 20)
            try await scene.drained(within: .seconds(60))
            #expect(try await archiver.end(SIGTERM) == 0)
            try scene.expectWhole(2000)
        }
    }
}

extension ArchiverScene {
    /// Days of the room with a line in the manifest.
    var closedDays: Int {
        let text = try? String(contentsOfFile: "\(archive)/general/manifest.jsonl", encoding: .utf8)
        return Set((text ?? "").matches(of: /"file":"([^"]+)"/).map { String($0.1) }).count
    }
}

/// A small disk of one's own, where the tests may mount one.
struct Mount {
    let path: String

    static let isPossible: Bool = {
        guard let folder = try? TemporaryDirectory.make("martlet-mount") else { return false }
        defer { TemporaryDirectory.remove(folder) }
        guard let mount = try? Mount(bytes: 65_536, at: folder) else { return false }
        mount.remove()
        return true
    }()

    struct Refused: Error {}

    init(bytes: Int, at path: String) throws {
        self.path = path
        let done = try FinishedCommand.run([
            "/usr/bin/env", "mount", "-t", "tmpfs", "-o", "size=\(bytes)", "none", path,
        ])
        guard done.exitCode == 0 else { throw Refused() }
    }

    func resize(bytes: Int) throws {
        _ = try FinishedCommand.run(["/usr/bin/env", "mount", "-o", "remount,size=\(bytes)", path])
    }

    func remove() { _ = try? FinishedCommand.run(["/usr/bin/env", "umount", "-l", path]) }
}
