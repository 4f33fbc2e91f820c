import Logging
import NIOPosix
import RedisProtocol
import RelayTestKit
import Testing

@testable import RedisClient

@Suite("Ways to a real redis-server: TLS, unix socket, users")
struct RedisConnectionTests {
    private func client(_ configuration: RedisConfiguration) throws -> RedisClient {
        try RedisClient(
            configuration: configuration, eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
            logger: LogCapture().logger())
    }

    @Test("TLS with a private authority works, and without its certificate the server is refused")
    func tls() async throws {
        let certificate = try await TestCertificate.make()
        let redis = try await LocalRedis.start(LocalRedis.Options(certificate: certificate))
        let port = try #require(redis.tlsPort)
        for host in ["127.0.0.1", "localhost"] {
            var configuration = try RedisConfiguration(url: "rediss://\(host):\(port)")
            configuration.tls?.authorityPath = certificate.authorityPath
            let trusting = try client(configuration)
            try await trusting.waitUntilReady(deadline: .seconds(10))
            #expect(try await trusting.execute(RedisCommand("PING")).string == "PONG")
            await trusting.close()
        }
        let doubting = try client(RedisConfiguration(url: "rediss://127.0.0.1:\(port)"))
        let error = await #expect(throws: RedisError.self) {
            try await doubting.waitUntilReady(deadline: .milliseconds(500))
        }
        #expect(error?.description.contains("CERTIFICATE_VERIFY_FAILED") == true, "\(String(describing: error))")
        await doubting.close()
        await redis.stop()
    }

    @Test("An authority file that is not there is a wrong setting")
    func missingAuthority() throws {
        var configuration = try RedisConfiguration(url: "rediss://db")
        configuration.tls?.authorityPath = "/nowhere/ca.pem"
        let error = try #require(throws: RedisConfigurationError.self) { try client(configuration) }
        #expect(error.description.contains("TLS"))
    }

    @Test("A unix socket, a database and a client name")
    func unixSocket() async throws {
        let redis = try await LocalRedis.start()
        var configuration = try RedisConfiguration(url: "unix://\(redis.socketPath)?db=4")
        configuration.clientName = "martlet-test"
        let client = try client(configuration)
        try await client.waitUntilReady(deadline: .seconds(10))
        #expect(try await client.execute(RedisCommand("CLIENT", "GETNAME")).string == "martlet-test")
        _ = try await client.execute(RedisCommand("SET", "k", "v"))
        #expect(try await redis.cli("-n", "4", "GET", "k") == "v")
        await client.close()
        await redis.stop()
    }

    @Test("A user of the access control list may do what it may, and is told what it may not")
    func accessControl() async throws {
        let redis = try await LocalRedis.start(
            LocalRedis.Options(accessControl: [
                "user default off", "user edge on >secret ~chat:* &chat:* -@all +get +set +ping +info +select",
            ]))
        var configuration = try RedisConfiguration(url: "redis://edge:secret@127.0.0.1:\(redis.port)")
        configuration.clientName = "not-allowed-to-say-so"
        let edge = try client(configuration)
        try await edge.waitUntilReady(deadline: .seconds(10))
        #expect(try await edge.execute(RedisCommand("SET", "chat:x", "1")).string == "OK")
        for refused in [RedisCommand("SET", "other", "1"), RedisCommand("FLUSHALL")] {
            let error = await #expect(throws: RedisError.self) { try await edge.execute(refused) }
            #expect(error?.kind == .noPermission)
        }
        await edge.close()

        for url in ["redis://edge:wrong@127.0.0.1:\(redis.port)", "redis://127.0.0.1:\(redis.port)"] {
            let refused = try client(RedisConfiguration(url: url))
            let error = await #expect(throws: RedisError.self) {
                try await refused.waitUntilReady(deadline: .seconds(10))
            }
            #expect(error?.kind == .wrongPassword || error?.kind == .noAuth, "\(String(describing: error))")
            #expect(error?.needsOperator == true)
            await refused.close()
        }
        await redis.stop()
    }

    @Test("The client waits, evaluates and closes from any task")
    func asyncClient() async throws {
        let redis = try await LocalRedis.start()
        let client = try client(RedisConfiguration(url: redis.url))
        let version = try await client.waitUntilReady(deadline: .seconds(10))
        #expect(version.split(separator: ".").first.flatMap { Int($0) } ?? 0 >= 7)
        let script = RedisScript(name: "echo", source: "return ARGV[1]")
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<50 {
                group.addTask {
                    try await client.evaluate(script, keys: [], arguments: ["\(index)"]).int == index
                }
            }
            for try await isRight in group { #expect(isRight) }
        }
        await client.close()
        await #expect(throws: RedisError.closed) { try await client.execute(RedisCommand("PING")) }
        await redis.stop()
    }

    @Test("Nobody there: waiting ends with the reason")
    func nobodyThere() async throws {
        let port = try FreePort.find()
        let client = try client(RedisConfiguration(url: "redis://127.0.0.1:\(port)"))
        let error = await #expect(throws: RedisError.self) {
            try await client.waitUntilReady(deadline: .milliseconds(200))
        }
        #expect(error == .connectFailed("Connection refused"))
        await #expect(throws: RedisError.unavailable) { try await client.execute(RedisCommand("PING")) }
        await client.close()
    }
}
