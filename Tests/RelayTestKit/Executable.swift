internal import Foundation

/// Programs that tests run.
enum Executable {
    /// Where a program is on the PATH; nil where it is not.
    static func path(of name: String) -> String? {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
        return folders.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// Runs a program to its end and returns what it printed, both streams, without the last line break.
    ///
    /// Throws where the program is missing or its exit code is not 0.
    static func run(_ name: String, _ arguments: [String]) async throws -> String {
        guard let path = path(of: name) else { throw LocalRedisError(reason: "\(name) is not on the PATH") }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        let (exits, exit) = AsyncStream<Int32>.makeStream()
        process.terminationHandler = { ended in
            exit.yield(ended.terminationStatus)
            exit.finish()
        }
        try process.runWithoutBlockedSignals()
        let data = await withCheckedContinuation { done in
            DispatchQueue.global().async {
                done.resume(returning: output.fileHandleForReading.readDataToEndOfFile())
            }
        }
        let text = String(decoding: data, as: UTF8.self)
        for await code in exits where code != 0 {
            throw LocalRedisError(reason: "\(name) ended with \(code): \(text)")
        }
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }
}
