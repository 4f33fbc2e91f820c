import Foundation
import Glibc
import NIOConcurrencyHelpers

/// The terminal at standard input, key by key and without echo; it is as it was after `restore()`.
final class RawTerminal: Sendable {
    private let before: NIOLockedValueBox<termios?>

    /// Switches the terminal; nil where standard input or output is none.
    init?() {
        guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1 else { return nil }
        var settings = termios()
        guard unsafe tcgetattr(STDIN_FILENO, &settings) == 0 else { return nil }
        before = NIOLockedValueBox(settings)
        // Output is left alone, so that a line feed still begins a new line.
        settings.c_iflag &= ~tcflag_t(ICRNL | IXON | BRKINT | ISTRIP | INPCK)
        settings.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG | IEXTEN)
        guard unsafe tcsetattr(STDIN_FILENO, TCSADRAIN, &settings) == 0 else { return nil }
    }

    /// Gives the terminal back; a second call does nothing.
    func restore() {
        before.withLockedValue { settings in
            guard var old = settings else { return }
            settings = nil
            // C's interface to terminals.
            unsafe tcsetattr(STDIN_FILENO, TCSADRAIN, &old)
        }
    }
}

/// How large a terminal is.
struct TerminalSize: Equatable {
    var columns: Int
    var rows: Int

    /// That of the terminal at standard output now; 80 × 24 where it does not say.
    static func ofOutput() -> TerminalSize {
        var size = winsize()
        // The structure is ours.
        guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return TerminalSize(columns: 80, rows: 24)
        }
        return TerminalSize(columns: Int(size.ws_col), rows: Int(size.ws_row))
    }
}

/// What is typed, as it comes.
///
/// Whoever takes a piece says so with `taken()`: the reading thread waits while 64 pieces are not.
final class StandardInput: Sendable {
    /// The pieces; they end with the input.
    let pieces: AsyncStream<[UInt8]>
    private let room = DispatchSemaphore(value: 0)

    /// Begins to read.
    init() {
        let (pieces, continuation) = AsyncStream<[UInt8]>.makeStream()
        self.pieces = pieces
        // A semaphore must not be let go below the value that it began with: it begins with none.
        for _ in 0..<64 { room.signal() }
        let thread = Thread { [room] in
            // Not by `FileHandle`, which ends the program where a terminal has gone away.
            var bytes = [UInt8](repeating: 0, count: 4096)
            while true {
                room.wait()
                // The array is ours, and as long as is said.
                var count = unsafe read(STDIN_FILENO, &bytes, bytes.count)
                while count < 0, errno == EINTR { count = unsafe read(STDIN_FILENO, &bytes, bytes.count) }
                guard count > 0 else { break }
                continuation.yield(Array(bytes[..<count]))
            }
            continuation.finish()
        }
        thread.start()
    }

    /// A piece was dealt with.
    func taken() { room.signal() }
}
