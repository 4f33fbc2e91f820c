import Foundation
import Glibc
import NIOCore

/// The directory in which one `martlet up` keeps everything.
struct DataDirectory {
    /// Why it cannot be used.
    enum Failure: Error, Equatable {
        /// Another `up` has it; its process id where it left one.
        case inUse(pid: String?)
        case unusable(String)
    }

    /// The directory itself, absolute.
    let path: String

    init(path: String) {
        self.path = URL(fileURLWithPath: path).standardizedFileURL.path
    }

    /// Redis's append-only file.
    var redis: String { "\(path)/redis" }
    /// The JSONL files.
    var archive: String { "\(path)/archive" }
    /// What runs here, for the other commands.
    var record: String { "\(path)/up.json" }
    private var lockFile: String { "\(path)/up.lock" }

    /// `$MARTLET_DATA`, else `$XDG_STATE_HOME/martlet`, else `~/.local/state/martlet`.
    static func defaultPath() -> String {
        let environment = ProcessInfo.processInfo.environment
        if let data = environment["MARTLET_DATA"], !data.isEmpty { return data }
        // The specification of XDG says that a relative path is to be ignored.
        if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") { return "\(state)/martlet" }
        return "\(FileManager.default.homeDirectoryForCurrentUser.path)/.local/state/martlet"
    }

    /// Makes the directories where they are missing, readable for their owner alone.
    func make() throws(Failure) {
        do {
            for directory in [path, redis, archive] {
                try FileManager.default.createDirectory(
                    atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            }
        } catch {
            throw .unusable(error.localizedDescription)
        }
    }

    /// Takes the directory for this process until its end; the kernel gives it back however that comes.
    func lock() throws(Failure) {
        let file = unsafe open(lockFile, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw .unusable(Self.lastError()) }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            close(file)
            let pid = FileManager.default.contents(atPath: lockFile).map { String(decoding: $0, as: UTF8.self) }
            throw .inUse(pid: pid?.trimmingBlanks())
        }
        // Who has it, for the message to the next one; written by C, because the lock belongs to this descriptor.
        let line = "\(getpid())\n"
        _ = ftruncate(file, 0)
        _ = unsafe line.withCString { unsafe Glibc.write(file, $0, line.utf8.count) }
    }

    /// Whether an `up` runs here.
    var isLocked: Bool {
        let file = unsafe open(lockFile, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        return flock(file, LOCK_SH | LOCK_NB) != 0
    }

    /// Writes the record in one go.
    func write(_ record: UpRecord) throws(Failure) {
        do {
            try Data(record.json.readableBytesView).write(to: URL(fileURLWithPath: self.record), options: .atomic)
        } catch {
            throw .unusable(error.localizedDescription)
        }
    }

    /// Removes the record: nothing runs here any more.
    func removeRecord() { try? FileManager.default.removeItem(atPath: record) }

    private static func lastError() -> String { unsafe String(cString: strerror(errno)) }
}
