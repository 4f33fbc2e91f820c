internal import CEpoll

// Every expression here that is marked unsafe hands C a pointer that lives for the call alone, into memory whose size
// goes with it.

/// Time as the generator measures it.
enum MonotonicClock {
    /// Nanoseconds since some moment of this machine.
    static var now: UInt64 { cepoll_now() }
}

/// Calls to sockets that never wait.
enum Socket {
    /// What came of a read or a write.
    enum Outcome: Equatable {
        case moved(Int)
        /// Nothing at present.
        case blocked
        /// The other side has closed.
        case ended
        /// The number of the error.
        case failed(Int32)
    }

    static func receive(_ descriptor: Int32, into buffer: inout [UInt8], from offset: Int) -> Outcome {
        let count = buffer.count - offset
        // The count is what the array has left from the offset on.
        let result = unsafe buffer.withUnsafeMutableBytes { bytes in
            unsafe cepoll_receive(descriptor, bytes.baseAddress?.advanced(by: offset), UInt64(count))
        }
        return result == 0 ? .ended : outcome(result)
    }

    static func send(_ descriptor: Int32, _ bytes: [UInt8], from offset: Int) -> Outcome {
        let count = bytes.count - offset
        guard count > 0 else { return .moved(0) }
        // The count is what the array has left from the offset on.
        let result = unsafe bytes.withUnsafeBytes { bytes in
            unsafe cepoll_send(descriptor, bytes.baseAddress?.advanced(by: offset), UInt64(count))
        }
        return outcome(result)
    }

    static func close(_ descriptor: Int32) { _ = CEpoll.close(descriptor) }

    /// 0 where a connection that was begun stands, else the number of the error.
    static func connectFailure(_ descriptor: Int32) -> Int32 { -cepoll_failure(descriptor) }

    private static func outcome(_ result: Int64) -> Outcome {
        guard result < 0 else { return .moved(Int(result)) }
        let number = Int32(-result)
        return number == EAGAIN || number == EINTR ? .blocked : .failed(number)
    }

    /// What the system says of an error.
    static func text(ofError number: Int32) -> String {
        // A text of the C library's own, copied at once.
        unsafe String(cString: strerror(number))
    }
}

/// Where a server is, looked up once.
struct SocketAddress {
    private var storage: sockaddr_storage
    private var length: socklen_t
    /// Whether it is one of 127.0.0.0/8.
    let isLoopback: Bool

    /// Looks a host up; nil where nobody knows it.
    init?(host: String, port: Int) {
        var storage = sockaddr_storage()
        var length: socklen_t = 0
        // Both are variables of ours, and the storage has room for an address of any family.
        guard unsafe cepoll_resolve(host, "\(port)", &storage, &length) == 0 else { return nil }
        self.storage = storage
        self.length = length
        isLoopback = unsafe cepoll_is_loopback(&storage) != 0
    }

    /// Begins to connect; the error's number where it cannot even begin. Over loopback it comes from the address that
    /// the index stands for.
    mutating func connect(index: Int) -> Result<Int32, SocketError> {
        let source = isLoopback ? SourceAddress.loopback(index) : 0
        // Storage and length were filled in together.
        let descriptor = unsafe cepoll_connect(&storage, length, source)
        return descriptor >= 0 ? .success(descriptor) : .failure(SocketError(number: -descriptor))
    }
}

/// An error of the system.
struct SocketError: Error, Equatable, CustomStringConvertible {
    let number: Int32
    var description: String { Socket.text(ofError: number) }

    /// Whether no connection is possible for want of ports.
    var isOutOfPorts: Bool { number == EADDRNOTAVAIL }
}

/// Descriptors that are watched together.
final class Poller {
    /// What a descriptor is watched for.
    enum Interest {
        case reading
        case writing
        case both

        fileprivate var events: UInt32 {
            switch self {
            case .reading: CEPOLL_IN
            case .writing: CEPOLL_OUT
            case .both: CEPOLL_IN | CEPOLL_OUT
            }
        }
    }

    /// What has become of a descriptor.
    struct Readiness {
        let token: UInt64
        fileprivate let events: UInt32

        var isWritable: Bool { events & CEPOLL_OUT != 0 }
        /// A broken connection is read from, which tells what is wrong with it.
        var isReadable: Bool { events & (CEPOLL_IN | CEPOLL_BROKEN) != 0 }
    }

    private let descriptor: Int32
    private var events = [cepoll_event](repeating: cepoll_event(), count: Int(CEPOLL_AT_ONCE))

    init() throws(SocketError) {
        descriptor = cepoll_create()
        if descriptor < 0 { throw SocketError(number: -descriptor) }
    }

    deinit { Socket.close(descriptor) }

    /// Watches a descriptor until it is closed. What is ready carries the token.
    func add(_ watched: Int32, _ interest: Interest, token: UInt64) {
        _ = cepoll_set(descriptor, EPOLL_CTL_ADD, watched, interest.events, token)
    }

    func change(_ watched: Int32, to interest: Interest, token: UInt64) {
        _ = cepoll_set(descriptor, EPOLL_CTL_MOD, watched, interest.events, token)
    }

    /// Waits for at most so many nanoseconds, for ever where negative, and returns how many are ready.
    func wait(nanoseconds: Int64) -> Int {
        // C fills in as many as the array has at most.
        let count = unsafe events.withUnsafeMutableBufferPointer { events in
            unsafe cepoll_wait(descriptor, events.baseAddress, nanoseconds)
        }
        return max(Int(count), 0)
    }

    /// One of those that the last wait found.
    func readiness(_ index: Int) -> Readiness {
        Readiness(token: events[index].token, events: events[index].events)
    }
}

/// Figures of processes that only the system knows.
enum SystemFigures {
    /// Nanoseconds of processor that a process has used; 0 for this one. Nil where there is none such.
    static func processorNanoseconds(of process: Int32) -> UInt64? {
        let value = cepoll_processor(process)
        return value < 0 ? nil : UInt64(value)
    }

    /// Raises this process's limit of descriptors as far as it may, and says how many there are.
    static func raisedDescriptorLimit() -> Int { Int(clamping: cepoll_descriptors_max()) }
}
