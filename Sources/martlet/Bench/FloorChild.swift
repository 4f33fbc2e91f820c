import ArgumentParser
import Foundation
import RelayBench
import RelayProcess

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
    /// - Throws: `ExitCode(69)` after a line that says why.
    init(mode: FloorServer.Mode) throws {
        input = Pipe()
        output = Pipe()
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        process = try SpawnedProcess(
            [program, "bench-floor", "--mode", mode.rawValue], input: input.fileHandleForReading.fileDescriptor,
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

    @Option(help: "plain: a write for each message; coalesced: one for all of a turn.")
    var mode = FloorSetting.plain

    func run() throws {
        let server: FloorServer
        do { server = try FloorServer(mode: mode.mode) } catch {
            Console.complain("\(error)")
            throw ExitCode(69)
        }
        Console.say("martlet bench-floor listening on 127.0.0.1:\(server.port)")
        server.run(untilEndOf: STDIN_FILENO)
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
