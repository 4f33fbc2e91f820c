internal import Glibc

/// A process whose cost is measured.
public struct WatchedProcess: Sendable, Equatable {
    /// What it is called in the report.
    public var name: String
    /// Its id.
    public var id: Int32
    /// Whether it is Redis, whose cost is told apart from that of the relay.
    public var isRedis: Bool

    /// A process of this machine; nil where none has that id. Redis is known by the program's name.
    public init?(name: String?, id: Int32) {
        guard let program = ProcessFile.text("/proc/\(id)/comm")?.split(separator: "\n").first else { return nil }
        self.name = name ?? String(program)
        self.id = id
        isRedis = program.hasPrefix("redis") || program.hasPrefix("valkey")
    }

    /// A process by its parts.
    public init(name: String, id: Int32, isRedis: Bool) {
        self.name = name
        self.id = id
        self.isRedis = isRedis
    }
}

/// What a process has used up to a moment.
public struct ProcessSample: Sendable, Equatable {
    /// Nanoseconds of processor, of all threads; nil where it is gone.
    public var processor: UInt64?
    /// Bytes of memory that are resident; nil where it is gone.
    public var residentBytes: UInt64?
    /// The processors that it may use, as the kernel lists them, `0-1,4`; nil where it is gone.
    public var processors: String?

    /// Looks at a process.
    init(_ process: WatchedProcess) {
        let status = ProcessFile.text("/proc/\(process.id)/status")
        // One that has ended keeps its id and its figures until its parent has asked how it ended.
        guard status?.contains("\nState:\tZ") != true else { return }
        processor = SystemFigures.processorNanoseconds(of: process.id)
        // The roll-up is exact; the other is there for processes of other users.
        let exact = ProcessFile.text("/proc/\(process.id)/smaps_rollup").flatMap { Self.kilobytes("Rss:", in: $0) }
        let about = status.flatMap { Self.kilobytes("VmRSS:", in: $0) }
        residentBytes = (exact ?? about).map { $0 * 1024 }
        processors = status.flatMap(Self.processors)
    }

    /// The processors that this process may use, as the kernel lists them.
    static func ownProcessors() -> String? { ProcessFile.text("/proc/self/status").flatMap(processors) }

    private static func processors(inStatus status: String) -> String? { value("Cpus_allowed_list:", in: status) }

    /// The number of a line that begins with this word.
    static func kilobytes(_ word: String, in text: String) -> UInt64? {
        value(word, in: text).flatMap { UInt64($0) }
    }

    /// What follows this word in the line that begins with it, up to white space.
    private static func value(_ word: String, in text: String) -> String? {
        let line = text.split(separator: "\n").first { $0.hasPrefix(word) }
        return line?.dropFirst(word.count).split(whereSeparator: \.isWhitespace).first.map(String.init)
    }
}

/// Files of the system about processes, which have no size until they are read.
enum ProcessFile {
    /// What is in a file, up to a megabyte; nil where it cannot be read.
    static func text(_ path: String) -> String? {
        // A C string of the path, for as long as the call takes.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var text: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 16 << 10)
        while text.count < 1 << 20 {
            let size = part.count
            // As many bytes as the array has.
            let count = unsafe part.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, size) }
            guard count > 0 else { return count == 0 ? String(decoding: text, as: UTF8.self) : nil }
            text += part[..<count]
        }
        return String(decoding: text, as: UTF8.self)
    }
}
