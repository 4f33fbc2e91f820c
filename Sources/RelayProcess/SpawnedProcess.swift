internal import CSpawn
internal import Glibc

/// A program that this process started, until it has been waited for.
///
/// It begins with no signal blocked or ignored, in a process group of its own, so that Ctrl-C on this program reaches
/// this program alone; and with no descriptor but the three that it is given.
///
/// Not Foundation's `Process`: that looks for open descriptors with `readdir`, copies each entry at its full size, and
/// so reads behind the buffer of the last ones. With 1 340 descriptors open, a hundred starts ended this process with
/// SIGSEGV (swift-corelibs-foundation of Swift 6.3.1).
public struct SpawnedProcess: Sendable {
    /// How a process ended.
    public enum End: Sendable, Equatable, CustomStringConvertible {
        case exit(Int32)
        case signal(Int32)

        /// The status as a shell gives it: 128 and the number for a signal.
        public var status: Int32 {
            switch self {
            case .exit(let code): code
            case .signal(let number): 128 + number
            }
        }

        /// `exit 0` or `signal 9`.
        public var description: String {
            switch self {
            case .exit(let code): "exit \(code)"
            case .signal(let number): "signal \(number)"
            }
        }
    }

    /// The process's id, its own until `reap()`.
    public let pid: Int32

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - command: the program's path, and its arguments.
    ///   - environment: all of its variables; nil hands on this process's own.
    ///   - input: the descriptor that it reads as standard input; nil is `/dev/null`, for each of the three.
    ///   - output: the descriptor of its standard output.
    ///   - errorOutput: the descriptor of its standard error.
    public init(
        _ command: [String], environment: [String: String]? = nil, input: Int32? = nil, output: Int32? = nil,
        errorOutput: Int32? = nil
    ) throws(SpawnFailure) {
        // C's interface: structures to fill in, arrays of strings that end with a null.
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        for (place, descriptor) in [input, output, errorOutput].enumerated() {
            if let descriptor {
                unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(place))
            } else {
                unsafe posix_spawn_file_actions_addopen(&actions, Int32(place), "/dev/null", O_RDWR, 0)
            }
        }
        unsafe posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1)

        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        unsafe sigfillset(&signals)
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))

        let arguments = CStrings(command)
        defer { arguments.free() }
        let variables = environment.map { CStrings($0.map { "\($0.key)=\($0.value)" }) }
        defer { variables?.free() }
        var started: pid_t = 0
        // Everything that it points to lives until it returns.
        let code = unsafe posix_spawn(
            &started, command[0], &actions, &attributes, arguments.pointers, variables?.pointers ?? environ)
        guard code == 0 else { throw SpawnFailure(program: command[0], code: code) }
        pid = started
    }

    /// Waits until it has ended, on this thread. Its id stays its own.
    public func waitForEnd() -> End {
        var information = unsafe siginfo_t()
        while unsafe waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        let value = unsafe information._sifields._sigchld.si_status
        return unsafe information.si_code == CLD_EXITED ? .exit(value) : .signal(value)
    }

    /// Lets the system forget a process that has ended; from here on its id may be another's.
    public func reap() {
        while waitpid(pid, nil, 0) < 0, errno == EINTR {}
    }
}

/// A program did not start.
public struct SpawnFailure: Error, CustomStringConvertible {
    let program: String
    let code: Int32

    /// The program, and why not, as the system puts it; in a C string, which is copied at once.
    public var description: String { unsafe "\(program) does not start: \(String(cString: strerror(code)))" }
}

/// Strings as C has them; freed by whoever made them.
@safe private struct CStrings {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

    init(_ strings: [String]) {
        // Memory of C's, because C's strings point to each other.
        unsafe pointers = .allocate(capacity: strings.count + 1)
        for (index, string) in strings.enumerated() { unsafe pointers[index] = strdup(string) }
        unsafe pointers[strings.count] = nil
    }

    func free() {
        // Up to the null that ends the array.
        var next = unsafe pointers
        while let string = unsafe next.pointee {
            unsafe Glibc.free(string)
            unsafe next += 1
        }
        unsafe pointers.deallocate()
    }
}
