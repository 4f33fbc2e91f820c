internal import Foundation
internal import RelayProcess

/// Programs that tests run.
public enum Executable {
    /// Where a program is on the PATH; nil where it is not.
    public static func path(of name: String) -> String? {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
        return folders.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// Runs a program to its end and returns what it printed, both streams, without the last line break.
    ///
    /// Throws where the program is missing or its exit code is not 0.
    public static func run(_ name: String, _ arguments: [String]) async throws -> String {
        guard let path = path(of: name) else { throw LocalRedisError(reason: "\(name) is not on the PATH") }
        let output = Pipe()
        let writing = output.fileHandleForWriting
        let process = try SpawnedProcess(
            [path] + arguments, output: writing.fileDescriptor, errorOutput: writing.fileDescriptor)
        try writing.close()
        let (data, end) = await withCheckedContinuation { done in
            DispatchQueue.global().async {
                let data = output.fileHandleForReading.readDataToEndOfFile()
                let end = process.waitForEnd()
                process.reap()
                done.resume(returning: (data, end))
            }
        }
        let text = String(decoding: data, as: UTF8.self)
        guard end == .exit(0) else { throw LocalRedisError(reason: "\(name) ended with \(end): \(text)") }
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }
}
