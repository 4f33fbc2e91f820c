import Foundation
import Glibc

/// Signals, those that ask a program to end before all, told to a thread of its own.
///
/// They are caught by a handler and not ignored, because what is ignored stays so in children, and not blocked, because
/// libdispatch unblocks them on the main thread.
enum Signals {
    static let ending = [SIGINT, SIGTERM, SIGHUP]

    /// Where the handler writes the number of a signal.
    private static let pipe = Pipe()
    private static let writeEnd = pipe.fileHandleForWriting.fileDescriptor

    /// Calls the body for each of them. To be called once.
    static func watch(_ numbers: [Int32] = ending, _ body: @escaping @Sendable (Int32) -> Void) {
        // The handler may only do what is safe at any moment: by then this is set.
        guard writeEnd >= 0 else { return }
        let thread = Thread {
            while let byte = pipe.fileHandleForReading.readData(ofLength: 1).first { body(Int32(byte)) }
        }
        thread.start()
        // C's interface to signals: a structure to fill in, and a handler without a context of its own.
        var action = sigaction()
        unsafe action.__sigaction_handler.sa_handler = { number in
            var byte = UInt8(truncatingIfNeeded: number)
            _ = unsafe write(Signals.writeEnd, &byte, 1)
        }
        action.sa_flags = SA_RESTART
        for number in numbers { _ = unsafe sigaction(number, &action, nil) }
    }
}

/// Programs on this machine.
enum Programs {
    /// Where a program is: beside this one, or on the PATH; nil where it is not.
    static func find(_ name: String) -> String? {
        let own = Bundle.main.executableURL?.resolvingSymlinksInPath().deletingLastPathComponent().path
        let path = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
        let folders = [own].compactMap { $0 } + path.map(String.init)
        return folders.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }
}

/// Standard output and standard error, a whole line at a time.
enum Console {
    /// Writes a line to standard output.
    static func say(_ line: String) { write(line + "\n", to: .standardOutput) }

    /// Writes to standard error what is no line.
    static func drawError(_ text: String) { write(text, to: .standardError) }

    /// Writes a line to standard error.
    static func complain(_ line: String, prefix: String = "martlet") {
        write("\(prefix): \(line)\n", to: .standardError)
    }

    /// Whether standard output is gone is for whoever reads it to know.
    private static func write(_ text: String, to file: FileHandle) { try? file.write(contentsOf: Data(text.utf8)) }
}
