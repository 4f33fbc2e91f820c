import Foundation
import Glibc
import RelayTestKit
import Testing

@testable import martlet

@Suite("A terminal that is drawn on")
struct RawTerminalTests {
    @Test("What is still to be drawn when the terminal is given back is not drawn into what comes after")
    func lateDrawing() throws {
        var (master, slave) = (Int32(0), Int32(0))
        // C's interface to pseudo-terminals: the two numbers are ours, the rest is left to the system.
        try #require(unsafe openpty(&master, &slave, nil, nil, nil) == 0)
        defer {
            close(master)
            close(slave)
        }
        let terminal = try #require(RawTerminal(input: slave, output: slave))
        terminal.draw("of the chat")
        terminal.restore()
        terminal.draw("too late")
        terminal.restore()
        let after = FileHandle(fileDescriptor: slave, closeOnDealloc: false)
        try after.write(contentsOf: Data("of the shell".utf8))
        var model = TerminalModel(columns: 40, rows: 4)
        var written: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while !String(decoding: written, as: UTF8.self).hasSuffix("of the shell") {
            // The array is ours, and as long as is said.
            let count = unsafe read(master, &piece, piece.count)
            try #require(count > 0)
            written += piece[..<count]
        }
        model.written(written)
        #expect(model.lines.first == "of the shell" && !model.isOtherScreen && !model.marksPastes)
        #expect(String(decoding: written, as: UTF8.self).contains("of the chat"))
    }
}
