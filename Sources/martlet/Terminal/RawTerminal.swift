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

    /// How many columns the terminal has now.
    var columns: Int {
        var size = winsize()
        guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
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
            while true {
                room.wait()
                let data = FileHandle.standardInput.availableData
                if data.isEmpty { break }
                continuation.yield([UInt8](data))
            }
            continuation.finish()
        }
        thread.start()
    }

    /// A piece was dealt with.
    func taken() { room.signal() }
}
