import Foundation
import NIOCore
import NIOPosix
import RedisProtocol
import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// How the program starts, and how it says that it cannot.
@Suite("The edge's settings")
struct EdgeSettingsTests {
    private static func run(
        _ arguments: [String], environment: [String: String] = [:]
    ) throws -> FinishedCommand {
        try FinishedCommand.run(
            ["\(RelayProgram.programsDirectory)/martlet-edge"] + arguments, environment: environment)
    }

    @Test(
        "A wrong setting ends the program with 64 and one line that names it",
        arguments: [
            ["--listen", "8080"], ["--listen", "127.0.0.1:99999"], ["--listen", ":8080"], ["--listen", ""],
            ["--redis-url", "http://127.0.0.1"], ["--redis-url", "redis://"], ["--redis-url", "127.0.0.1:6379"],
            ["--redis-url", "redis://127.0.0.1:99999"], ["--redis-url", ""],
            ["--key-prefix", "a b"], ["--key-prefix", ""], ["--key-prefix", "{x}"], ["--edge-id", "a b"],
            ["--edge-id", ""], ["--auth", "magic"], ["--allow-origin", "chat.example"],
            ["--allow-origin", "https://a.example/path"], ["--archive", "maybe"], ["--archive-dir", "/nonexistent"],
            ["--archive-dir", "/etc/hostname"], ["--ceiling", "0"],
            ["--ceiling", "many"], ["--auto-create", "1"], ["--max-text", "0"], ["--max-text", "1000000"],
            ["--rate", "0"], ["--rate", "-5"], ["--rate", "fast"], ["--burst", "0"], ["--max-rooms", "0"],
            ["--max-connections", "0"], ["--slow-budget", "1"], ["--slow-budget", "1GB"], ["--leave-grace", "5"],
            ["--leave-grace", "-1s"], ["--leave-grace", "1h"], ["--ping-interval", "10ms"], ["--ping-interval", "x"],
            ["--drain", "2h"], ["--tls-cert", "/nonexistent.pem"], ["--tls-key", "/nonexistent.key"],
            ["--log-level", "loud"], ["--log-format", "xml"], ["--config", "/nonexistent.conf"],
        ])
    func wrong(_ arguments: [String]) throws {
        let ended = try Self.run(arguments)
        #expect(ended.exitCode == 64)
        #expect(ended.output.isEmpty)
        #expect(ended.errorOutput.split(separator: "\n", omittingEmptySubsequences: false).count == 2)
        #expect(ended.errorOutput.hasPrefix("martlet-edge: "), "\(ended.errorOutput)")
        // Of a certificate without a key it is the missing flag that is named.
        let named = arguments[0].hasPrefix("--tls") ? "--tls-" : arguments[0]
        #expect(ended.errorOutput.contains(named), "\(ended.errorOutput)")
    }

    @Test("Where it stands is said too, and what it may be")
    func wrongElsewhere() throws {
        let directory = try TemporaryDirectory.make("martlet-settings")
        defer { TemporaryDirectory.remove(directory) }
        let path = directory + "/edge.conf"
        try Data("log-level = loud\n".utf8).write(to: URL(fileURLWithPath: path))
        let ended = try Self.run(["--config", path])
        #expect(ended.exitCode == 64)
        #expect(ended.errorOutput.contains("trace, debug, info"), "\(ended.errorOutput)")
        // Not where it stands on the command line, though there is a file.
        try Data("rate = 5\n".utf8).write(to: URL(fileURLWithPath: path + ".other"))
        let typed = try Self.run(["--config", path + ".other", "--log-level", "loud"])
        #expect(typed.exitCode == 64 && !typed.errorOutput.contains("--config"), "\(typed.errorOutput)")
        #expect(ended.errorOutput.hasSuffix(" (in the file that --config names)\n"), "\(ended.errorOutput)")
    }

    @Test("So does a certificate or a key that is none, or that belongs to another")
    func wrongCertificate() async throws {
        let (own, other) = (try await TestCertificate.make(), try await TestCertificate.make())
        for (certificate, key, named) in [
            ("/etc/hostname", own.keyPath, "--tls-cert: "), (own.keyPath, own.keyPath, "--tls-cert: "),
            (own.certificatePath, "/etc/hostname", "--tls-key: "),
            (own.certificatePath, own.certificatePath, "--tls-key: "),
            (own.certificatePath, other.keyPath, "--tls-key: "),
        ] {
            let ended = try Self.run(["--listen", "127.0.0.1:0", "--tls-cert", certificate, "--tls-key", key])
            #expect(ended.exitCode == 64 && ended.output.isEmpty)
            #expect(ended.errorOutput.hasPrefix("martlet-edge: \(named)"), "\(ended.errorOutput)")
            #expect(ended.errorOutput.split(separator: "\n").count == 1, "\(ended.errorOutput)")
        }
    }

    @Test(
        "So does an authority for Redis's certificate that is none",
        arguments: ["/nonexistent.pem", "/etc/hostname"])
    func wrongAuthority(_ path: String) throws {
        let ended = try FinishedCommand.run(
            ["\(RelayProgram.programsDirectory)/martlet-edge", "--redis-url", "rediss://127.0.0.1:1"],
            environment: ["MARTLET_REDIS_CA": path])
        #expect(ended.exitCode == 64 && ended.output.isEmpty)
        #expect(
            ended.errorOutput == "martlet-edge: MARTLET_REDIS_CA: \(path) holds no certificate in PEM\n",
            "\(ended.errorOutput)")
    }

    @Test("So does a flag that there is none of, a value that is missing, a word too many")
    func unknown() throws {
        for arguments in [["--fast"], ["--rate"], ["now"], ["--rate", "5", "--rate", "x"]] {
            let ended = try Self.run(arguments)
            #expect(ended.exitCode == 64 && ended.output.isEmpty)
            #expect(ended.errorOutput.split(separator: "\n").count == 1, "\(ended.errorOutput)")
            #expect(ended.errorOutput.contains(arguments[0]), "\(ended.errorOutput)")
        }
    }

    @Test("The environment and a file count as flags do, and are named where they are wrong")
    func sources() async throws {
        let directory = try TemporaryDirectory.make("martlet-settings")
        defer { TemporaryDirectory.remove(directory) }
        func file(_ text: String) throws -> String {
            let path = "\(directory)/edge.conf"
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            return path
        }
        let byVariable = try Self.run([], environment: ["MARTLET_RATE": "fast"])
        #expect(byVariable.exitCode == 64 && byVariable.errorOutput.contains("MARTLET_RATE"))
        for text in ["rate = fast\n", "speed = 5\n", "rate 5\n", "rate = 5\nrate = 6\n"] {
            let byFile = try Self.run(["--config", try file(text)])
            #expect(byFile.exitCode == 64, "\(text)")
            #expect(byFile.errorOutput.split(separator: "\n").count == 1, "\(byFile.errorOutput)")
        }
        // Command line before environment before file.
        let path = try file("# limits\nrate = 11\nburst = 12\nmax-text = 13\n")
        let options = RelayWorld.Options(
            environment: ["MARTLET_CONFIG": path, "MARTLET_BURST": "22", "MARTLET_MAX_TEXT": "23"])
        try await RelayWorld.run(edges: [["--max-text", "33"]], options: options) { _, edges in
            let alice = try await Talker.connect(edges[0], as: nil)
            guard case .welcome(let welcome) = try await alice.ask("hello", #""user":"alice""#) else {
                Issue.record("not welcomed")
                return
            }
            #expect(welcome.limits.ratePerSecond == 11)
            #expect(welcome.limits.burst == 22)
            #expect(welcome.limits.textBytesMax == 33)
            let long = #""room":"general","text":"\#(String(repeating: "x", count: 34))""#
            #expect(try await alice.refusal("send", long)?.code == .tooLarge)
        }
    }

    @Test("Without authentication an address that others reach is refused unless --insecure says so")
    func insecure() async throws {
        for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "chat.example:0"] {
            let ended = try Self.run(["--listen", address])
            #expect(ended.exitCode == 64 && ended.errorOutput.contains("--insecure"), "\(address)")
        }
        try await RelayWorld.run(edges: []) { world, _ in
            let edge = try await world.startEdge(["--listen", "0.0.0.0:0", "--insecure"])
            try await edge.waitUntilReady()
        }
    }

    @Test("Help and version end with 0 and go to standard output")
    func help() throws {
        let help = try Self.run(["--help"])
        #expect(help.exitCode == 0 && help.errorOutput.isEmpty)
        for flag in ["--listen", "--redis-url", "--rate", "--drain", "--insecure", "MARTLET_REDIS_URL"] {
            #expect(help.output.contains(flag), "\(flag)")
        }
        let version = try Self.run(["--version"])
        #expect(version.exitCode == 0 && version.errorOutput.isEmpty)
        #expect(version.output.split(separator: "\n").count == 1 && version.output.contains("."))
    }

    @Test("A port that is taken ends the program with one line that says so")
    func takenPort() async throws {
        try await RelayWorld.run { world, edges in
            let ended = try Self.run(["--listen", edges[0].authority, "--redis-url", world.redis.url])
            #expect(ended.exitCode == 69 && ended.output.isEmpty)
            let complaints = ended.errorOutput.split(separator: "\n").filter { $0.hasPrefix("martlet-edge: ") }
            #expect(complaints.count == 1, "\(ended.errorOutput)")
            let reason = "cannot listen on \(edges[0].authority): Address already in use"
            #expect(complaints == ["martlet-edge: --listen: \(reason)"], "\(ended.errorOutput)")
        }
    }

    @Test("A Redis older than 7 ends the program with 69 and a line that says which it is")
    func oldRedis() async throws {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(OldRedisHandler())
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(server.localAddress?.port)
        let program = try await RelayProgram(
            "martlet-edge", ["--listen", "127.0.0.1:0", "--redis-url", "redis://127.0.0.1:\(port)"])
        #expect(try await program.wait() == 69)
        let line = await program.errorOutput.split(separator: "\n").last { $0.hasPrefix("martlet-edge: ") }
        #expect(line?.contains("6.2.1") == true && line?.contains("7.0") == true, "\(line ?? "")")
        try await server.close()
    }
}

/// A server that says it is Redis 6.2.1, and OK to everything else.
final class OldRedisHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let reader = RESPReader()

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        reader.feed(unwrapInboundIn(data))
        while let command = (try? reader.next()).flatMap({ $0 }) {
            let info = "# Server\r\nredis_version:6.2.1\r\n"
            let reply =
                switch command.array?.first?.string?.uppercased() {
                case "INFO": "$\(info.utf8.count)\r\n\(info)\r\n"
                case "PING": "+PONG\r\n"
                default: "+OK\r\n"
                }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: reply)), promise: nil)
        }
    }
}
