internal import Foundation

/// Directories for one test.
public enum TemporaryDirectory {
    /// Makes an empty directory with a short path (a unix socket's has at most 107 bytes); the caller removes it.
    public static func make(_ name: String) throws -> String {
        let random = String(UInt32.random(in: 0...UInt32.max), radix: 36)
        let path = "/tmp/\(name)-\(ProcessInfo.processInfo.processIdentifier)-\(random)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        return path
    }

    /// Removes a directory and what is in it; one that is gone already is no error.
    public static func remove(_ path: String) {
        try? FileManager.default.removeItem(atPath: path)
    }
}
