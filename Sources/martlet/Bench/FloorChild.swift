import ArgumentParser
import Foundation
import RelayBench
import RelayCore
import RelayProcess
import RelaySettings

/// The floor server as a process of its own, so that its cost is its own. It goes when this one does.
struct FloorChild {
    /// The port of 127.0.0.1 that it listens on.
    let port: Int
    private let process: SpawnedProcess
    private let input: Pipe
    private let output: Pipe

    /// The process's id.
    var pid: Int32 { process.pid }

    /// Starts it, and returns when it listens.
    ///
    /// - Parameters:
    ///   - mode: when it writes.
    ///   - redisURL: the Redis that it goes through, where it does. Not as a flag, which everybody could read.
    ///   - relay: the process that it is the floor of, whose processors it keeps to; nil where that is not known.
    /// - Throws: `ExitCode(69)` after a line that says why.
    init(mode: FloorServer.Mode, redisURL: String, relay: Int32?) throws {
        input = Pipe()
        output = Pipe()
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        process = try SpawnedProcess(
            [program, "bench-floor", "--mode", mode.rawValue] + (relay.map { ["--beside", "\($0)"] } ?? []),
            environment: ProcessInfo.processInfo.environment.merging(["MARTLET_REDIS_URL": redisURL]) { $1 },
            input: input.fileHandleForReading.fileDescriptor,
            output: output.fileHandleForWriting.fileDescriptor, errorOutput: STDERR_FILENO)
        try input.fileHandleForReading.close()
        try output.fileHandleForWriting.close()
        var line = ""
        while let byte = output.fileHandleForReading.readData(ofLength: 1).first, byte != UInt8(ascii: "\n") {
            line.unicodeScalars.append(Unicode.Scalar(byte))
        }
        guard let port = line.split(separator: ":").last.flatMap({ Int($0) }) else {
            Console.complain("the floor server did not start")
            process.reap()
            throw ExitCode(69)
        }
        self.port = port
    }

    /// Ends it.
    func end() {
        try? input.fileHandleForWriting.close()
        _ = process.waitForEnd()
        process.reap()
    }
}

/// `martlet bench-floor`: what `martlet bench --floor` starts.
struct BenchFloorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-floor",
        abstract: "Serve as the floor of a bench until standard input ends.", shouldDisplay: false)

    @Option(help: "plain: a write for each message; coalesced: one for all of a turn; redis: through Redis.")
    var mode = FloorSetting.plain

    @Option(help: "A process whose processors it keeps to.")
    var beside: Int32?

    @OptionGroup var redis: DirectRedisOptions

    func run() throws {
        guard let serverMode = mode.kind.mode else {
            throw SettingError(setting: "--mode", problem: "\(mode.rawValue) is no server")
        }
        let address = serverMode == .redis ? try BenchRedis.server(redis) : nil
        do throws(BenchError) {
            let server = try FloorServer(mode: serverMode, redis: address, beside: beside)
            Console.say("martlet bench-floor listening on 127.0.0.1:\(server.port)")
            try server.run(untilEndOf: STDIN_FILENO)
        } catch {
            Console.complain("the floor: \(PlainText.cleaned("\(error)"))")
            throw ExitCode(69)
        }
    }
}

/// Processes that others have started.
enum ProcessTree {
    /// The processes that a process has started and that run; empty where the system does not tell.
    static func children(of process: Int32) -> [Int32] {
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")) ?? []
        return threads.flatMap { thread in
            let file = FileHandle(forReadingAtPath: "/proc/\(process)/task/\(thread)/children")
            let text = String(decoding: file?.readDataToEndOfFile() ?? Data(), as: UTF8.self)
            return text.split(separator: " ").compactMap { Int32($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
        }
    }
}
