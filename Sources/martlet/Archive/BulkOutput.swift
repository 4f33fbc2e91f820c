import ArgumentParser
import Glibc
import NIOCore

/// Standard output for much text, written a piece at a time. Whoever reads it may have enough at any moment.
struct BulkOutput {
    /// What became of a write.
    enum Outcome: Equatable {
        case written
        /// Nobody reads any more, `| head` for one.
        case unread
        /// The number of the error.
        case failed(Int32)
    }

    private let descriptor: Int32
    private var pending = ByteBuffer()

    init(descriptor: Int32 = STDOUT_FILENO) {
        self.descriptor = descriptor
    }

    mutating func addLine(_ line: ByteBuffer) {
        pending.writeImmutableBuffer(line)
        pending.writeInteger(UInt8(ascii: "\n"))
    }

    mutating func addLine(_ line: String) {
        pending.writeString(line)
        pending.writeInteger(UInt8(ascii: "\n"))
    }

    /// Writes what was added.
    mutating func flush() -> Outcome {
        defer { pending.clear() }
        while pending.readableBytes > 0 {
            // The bytes are read while the closure runs, and not after.
            let count = unsafe pending.withUnsafeReadableBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                pending.moveReaderIndex(forwardBy: count)
            } else if errno == EPIPE {
                return .unread
            } else if errno != EINTR {
                return .failed(errno)
            }
        }
        return .written
    }

    /// Writes what was added. Ends the program quietly, with `unreadCode`, where nobody reads it, and with a line where
    /// it cannot be written.
    mutating func flushOrExit(unreadCode: Int32 = 0) throws(ExitCode) {
        switch flush() {
        case .written: return
        case .unread: throw ExitCode(unreadCode)
        case .failed(let code):
            // The system's own text, which is copied.
            Console.complain("standard output: \(unsafe String(cString: strerror(code)))")
            throw ExitCode(1)
        }
    }
}
