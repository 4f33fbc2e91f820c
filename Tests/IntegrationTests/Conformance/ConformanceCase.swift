import NIOCore
import RelayDeflate
import RelayTestKit
import Testing

/// One behaviour of RFC 6455 or RFC 7692: what a client sends, and what has to come back.
struct ConformanceCase: Sendable, CustomTestStringConvertible {
    enum Heard: Sendable, Equatable {
        case text(ByteBuffer)
        case binary(ByteBuffer)
        case pong(ByteBuffer)

        static func text(_ text: String) -> Heard { .text(ByteBuffer(string: text)) }
        static func pong(_ text: String) -> Heard { .pong(ByteBuffer(string: text)) }
    }

    enum Ending: Sendable, Equatable {
        /// The client closes with 1000 when it has heard all, and is answered with the same.
        case clean
        /// What was sent ends with a close frame, which is answered with this payload.
        case answered([UInt8])
        /// The server closes with this code.
        case failed(UInt16)
    }

    struct Script: Sendable {
        var sends: ByteBuffer
        /// The client's writes are cut to so many bytes.
        var pieceBytes: Int?
        var hears: [Heard] = []
        var ending = Ending.clean
    }

    /// Numbered as the sections of the Autobahn test suite are.
    let name: String
    var offer: String?
    /// Made when the case runs: some are megabytes.
    let script: @Sendable () -> Script

    var testDescription: String { name }

    init(_ name: String, offer: String? = nil, _ script: @escaping @Sendable () -> Script) {
        self.name = name
        self.offer = offer
        self.script = script
    }

    /// A case whose bytes are few.
    init(
        _ name: String, _ sends: [ByteBuffer], pieces pieceBytes: Int? = nil, hears: [Heard] = [],
        _ ending: Ending = .clean
    ) {
        self.init(name) {
            Script(sends: .joined(sends), pieceBytes: pieceBytes, hears: hears, ending: ending)
        }
    }

    /// Plays it against the echo on that port.
    func run(port: Int) async throws {
        let script = script()
        let peer = try await EchoPeer.connect(port: port, offer: offer)
        #expect(peer.status == 101)
        #expect((peer.header("Sec-WebSocket-Extensions") != nil) == (offer != nil))
        // An echo that stops reading while we do not read would wait for ever: writing and reading go on together.
        async let sending: Void = peer.send(script.sends, pieces: script.pieceBytes)
        try await eventually("\(name): all came back", within: .seconds(120)) {
            peer.look { $0.frames.count { $0.opcode != 8 } >= script.hears.count || $0.isClosed }
        }
        // A server that has failed the connection may not take all of it.
        if script.ending == .clean { try await sending } else { try? await sending }
        if script.ending == .clean { try await peer.send(ClientFrame.close(1000)) }
        // A server that only waits for its deadline, five seconds, is not one that closes.
        try await eventually("\(name): the server closes", within: .seconds(4)) { peer.look { $0.isClosed } }
        judge(peer.look { $0.frames }, script)
    }

    private func judge(_ frames: [EchoPeer.Frame], _ script: Script) {
        let inflater = MessageInflater()
        var heard: [Heard] = []
        for frame in frames.prefix(while: { $0.opcode != 8 }) {
            #expect(frame.first & 0xB0 == 0x80 && !frame.isMasked, "\(name): a frame begins with \(frame.first)")
            var payload = frame.payload
            if frame.isCompressed {
                #expect(offer != nil && frame.opcode < 8, "\(name): RSV1 on opcode \(frame.opcode)")
                payload = (try? inflater.inflate(payload, bytesMax: 1 << 25)) ?? ByteBuffer(string: "(no deflate)")
            }
            switch frame.opcode {
            case 1: heard.append(.text(payload))
            case 2: heard.append(.binary(payload))
            case 10: heard.append(.pong(payload))
            default: Issue.record("\(name): opcode \(frame.opcode)")
            }
        }
        // Not in `#expect`, which would print megabytes.
        #expect(heard.count == script.hears.count, "\(name)")
        for (index, (one, other)) in zip(heard, script.hears).enumerated() where one != other {
            Issue.record("\(name): \(index) came back as \("\(one)".prefix(100)), not \("\(other)".prefix(100))")
        }
        let closing = frames.drop { $0.opcode != 8 }
        #expect(closing.count == 1, "\(name): one close frame, and nothing behind it")
        let payload = closing.first.map { Array($0.payload.readableBytesView) } ?? []
        switch script.ending {
        case .clean: #expect(payload == [3, 232], "\(name)")
        case .answered(let expected): #expect(payload == expected, "\(name)")
        case .failed(let code):
            #expect(payload.prefix(2) == [UInt8(code >> 8), UInt8(code & 0xFF)], "\(name): \(payload)")
        }
    }
}

/// An edge with an echo, and without Redis: for all cases one, as long as the tests run.
actor ConformanceEdge {
    static let shared = ConformanceEdge()

    private var starting: Task<EdgeProcess, any Error>?

    func edge() async throws -> EdgeProcess {
        if let starting { return try await starting.value }
        let task = Task {
            let program = try await RelayProgram(
                "martlet-edge",
                ["--listen", "127.0.0.1:0", "--redis-url", "unix:///nowhere/redis.sock", "--conformance"])
            let line = try await program.line(beginning: "martlet-edge listening on http", within: .seconds(60))
            guard let port = line.split(separator: ":").last.flatMap({ Int($0) }) else {
                throw NeverHappened(description: "a port in \(line)")
            }
            return EdgeProcess(program: program, processID: await program.pid, port: port)
        }
        starting = task
        return try await task.value
    }
}
