import Foundation
import Glibc
import NIOConcurrencyHelpers

/// A terminal that is drawn on: key by key, without echo, on its other screen; it is as it was after `restore()`.
///
/// Whatever is drawn goes through here, so that nothing that was under way when it was given back is drawn after that,
/// into what its person sees next.
final class RawTerminal: Sendable {
    private let input: Int32
    private let output: FileHandle
    /// What it was like.
    private let old: termios
    private let isOurs = NIOLockedValueBox(true)

    /// Switches the terminal; nil where the input or the output is none.
    init?(input: Int32 = STDIN_FILENO, output: Int32 = STDOUT_FILENO) {
        guard isatty(input) == 1, isatty(output) == 1 else { return nil }
        var settings = termios()
        // C's interface to terminals: the structure is ours.
        guard unsafe tcgetattr(input, &settings) == 0 else { return nil }
        self.input = input
        self.output = FileHandle(fileDescriptor: output, closeOnDealloc: false)
        old = settings
        // Output is left alone, so that a line feed still begins a new line.
        settings.c_iflag &= ~tcflag_t(ICRNL | IXON | BRKINT | ISTRIP | INPCK)
        settings.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG | IEXTEN)
        guard unsafe tcsetattr(input, TCSADRAIN, &settings) == 0 else { return nil }
        draw(ScreenStateMachine.opening)
    }

    /// Draws, as long as the terminal was not given back.
    func draw(_ text: String) {
        isOurs.withLockedValue { isOurs in
            if isOurs { write(text) }
        }
    }

    /// Gives the terminal back; a second call does nothing.
    func restore() {
        isOurs.withLockedValue { isOurs in
            guard isOurs else { return }
            isOurs = false
            write(ScreenStateMachine.closing)
            var settings = old
            // C's interface to terminals.
            unsafe tcsetattr(input, TCSADRAIN, &settings)
        }
    }

    /// Ends the program after so many seconds if it is still there, the terminal cooked again: one that takes nothing
    /// more would hold it for ever.
    func abandon(after seconds: UInt32) {
        let input = input
        let old = old
        Thread.detachNewThread {
            sleep(seconds)
            // C's interface to terminals. Not after what is still to be written: that may be never.
            var settings = old
            unsafe tcsetattr(input, TCSANOW, &settings)
            _exit(0)
        }
    }

    /// Whether a terminal has gone away is told by what is read of it.
    private func write(_ text: String) { try? output.write(contentsOf: Data(text.utf8)) }
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
