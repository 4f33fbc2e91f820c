internal import Glibc
internal import RelayCore

/// The calls to the system that the archive makes on names, each turned into a value or a `SegmentError`.
enum FileSystem {
    /// The mode of new files before the process's umask.
    static let fileMode: mode_t = 0o666
    private static let folderMode: mode_t = 0o777

    /// The failure of the call that was just made.
    static func failure(_ call: String, _ path: String, code: Int32 = errno) -> SegmentError {
        SegmentError(call: call, path: path, reason: unsafe String(cString: strerror(code)), code: code)
    }

    /// The names in a folder, sorted; nil where there is no such folder.
    static func names(in folder: String) throws(SegmentError) -> [String]? {
        guard let stream = unsafe opendir(folder) else {
            if errno == ENOENT { return nil }
            throw failure("opendir", folder)
        }
        defer { unsafe _ = closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { characters in
                    unsafe String(cString: characters)
                }
            }
            if name != ".", name != ".." { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw failure("readdir", folder) }
        return names.sorted()
    }

    /// The names of the folders in a folder, sorted; nil where there is no such folder. A link to a folder is one.
    static func folders(in folder: String) throws(SegmentError) -> [String]? {
        try names(in: folder)?.filter { identity(of: "\(folder)/\($0)") != nil }
    }

    /// Makes a folder inside one that exists. One that is there already is no error.
    static func makeFolder(_ path: String) throws(SegmentError) {
        guard unsafe mkdir(path, folderMode) == 0 || errno == EEXIST else { throw failure("mkdir", path) }
    }

    /// Makes a folder and those above it.
    static func makeFolders(_ path: String) throws(SegmentError) {
        var built = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            built += "/" + part
            try makeFolder(built)
        }
    }

    static func remove(_ path: String) throws(SegmentError) {
        // The text of the path outlives the call, here and below.
        guard unsafe unlink(path) == 0 || errno == ENOENT else { throw failure("unlink", path) }
    }

    static func rename(_ old: String, to new: String) throws(SegmentError) {
        // As above, for both paths.
        guard unsafe Glibc.rename(old, new) == 0 else { throw failure("rename", new) }
    }

    /// Returns when the names in the folder would survive a loss of power.
    static func syncFolder(_ path: String) throws(SegmentError) {
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", path) }
        defer { _ = close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("fsync", path) }
    }

    /// Whether there is a file, of whatever kind.
    static func exists(_ path: String) -> Bool {
        var status = stat()
        return unsafe lstat(path, &status) == 0
    }

    /// What tells a folder apart from another one that took its name; nil where there is none.
    static func identity(of path: String) -> String? {
        var status = stat()
        guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return nil }
        return "\(status.st_dev):\(status.st_ino)"
    }
}
