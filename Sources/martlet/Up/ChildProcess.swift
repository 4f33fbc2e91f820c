import Foundation
import RelayProcess
import NIOConcurrencyHelpers

/// One child of `martlet up`.
///
/// It cannot outlive its parent, however that ends: `setpriv --pdeathsig` asks the kernel to send it SIGTERM then. The
/// kernel watches the thread that started it, not the process, so each child has a thread of its own that waits for its
/// end. Ctrl-C does not reach it (see `SpawnedProcess`): `up` ends things in their order.
final class ChildProcess: Sendable {
    /// What a child does.
    enum Event: Sendable {
        case line(String)
        case exited(SpawnedProcess.End)
        case failed(String)
    }

    /// The process from its start to its end, shared by the thread that waits for it and whoever signals it.
    private final class Living: Sendable {
        let process = NIOLockedValueBox<SpawnedProcess?>(nil)
    }

    private let living: Living

    private init(living: Living) {
        self.living = living
    }

    /// Starts a program. Its standard output comes as lines; its standard error is passed on with the name in front.
    static func start(
        name: String, command: [String], environment: [String: String],
        onEvent: @escaping @Sendable (Event) -> Void
    ) -> ChildProcess {
        let living = Living()
        let started = DispatchSemaphore(value: 0)
        let thread = Thread {
            run(
                Start(name: name, command: command, environment: environment), living: living, started: started, onEvent
            )
        }
        thread.name = name
        thread.start()
        // A signal that is sent from here on finds the process.
        started.wait()
        return ChildProcess(living: living)
    }

    /// Sends the child a signal; nothing happens where it has ended.
    func signal(_ number: Int32) {
        living.process.withLockedValue { process in
            if let process { _ = kill(process.pid, number) }
        }
    }

    private struct Start {
        let name: String
        let command: [String]
        let environment: [String: String]
    }

    private static func run(
        _ start: Start, living: Living, started: DispatchSemaphore, _ onEvent: @escaping @Sendable (Event) -> Void
    ) {
        // Without setpriv everything works but the end of a parent that was killed.
        let setpriv = Programs.find("setpriv").map { [$0, "--pdeathsig", "TERM", "--"] } ?? []
        let output = Pipe()
        let errors = Pipe()
        let process: SpawnedProcess
        do {
            process = try SpawnedProcess(
                setpriv + start.command, environment: start.environment,
                output: output.fileHandleForWriting.fileDescriptor,
                errorOutput: errors.fileHandleForWriting.fileDescriptor)
        } catch {
            started.signal()
            onEvent(.failed("\(error)"))
            return
        }
        living.process.withLockedValue { $0 = process }
        started.signal()
        // The pipes end with the child.
        try? output.fileHandleForWriting.close()
        try? errors.fileHandleForWriting.close()
        forEachLine(of: errors) { [name = start.name] in Console.complain($0, prefix: name) }
        forEachLine(of: output) { onEvent(.line($0)) }
        let end = process.waitForEnd()
        living.process.withLockedValue { $0 = nil }
        process.reap()
        onEvent(.exited(end))
    }

    private static func forEachLine(of pipe: Pipe, _ body: @escaping @Sendable (String) -> Void) {
        let handle = pipe.fileHandleForReading
        let thread = Thread {
            var splitter = LineSplitter()
            while true {
                let data = handle.availableData
                if data.isEmpty { break }
                for line in splitter.bytesReceived(data) { body(line) }
            }
            if let rest = splitter.rest() { body(rest) }
        }
        thread.start()
    }
}

/// Cuts bytes into lines. A line of more than 64 KiB is given in pieces.
struct LineSplitter {
    private static let lineBytesMax = 64 * 1024
    private var held: [UInt8] = []

    /// The lines that end within these bytes.
    mutating func bytesReceived(_ bytes: some Sequence<UInt8>) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") || held.count >= Self.lineBytesMax {
                lines.append(String(decoding: held, as: UTF8.self))
                held = []
            }
            if byte != UInt8(ascii: "\n") { held.append(byte) }
        }
        return lines
    }

    /// What came after the last line break; nil where nothing did.
    mutating func rest() -> String? {
        defer { held = [] }
        return held.isEmpty ? nil : String(decoding: held, as: UTF8.self)
    }
}
