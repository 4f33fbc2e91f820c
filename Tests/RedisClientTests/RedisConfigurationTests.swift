import RedisClient
import Testing

@Suite("RedisConfiguration: URLs")
struct RedisConfigurationTests {
    @Test("A URL of a server gives host, port, database, user and password")
    func server() throws {
        let full = try RedisConfiguration(url: "redis://edge:p%40ss%2Fw%3Ard@db.example:7000/3")
        #expect(full.address == .tcp(host: "db.example", port: 7000))
        #expect(full.username == "edge")
        #expect(full.password == "p@ss/w:rd")
        #expect(full.database == 3)
        #expect(full.tls == nil)
        let short = try RedisConfiguration(url: "redis://db")
        #expect(short.address == .tcp(host: "db", port: 6379))
        #expect(short.username == nil)
        #expect(short.password == nil)
        #expect(short.database == 0)
    }

    @Test("A password alone is that of the default user")
    func passwordAlone() throws {
        let configuration = try RedisConfiguration(url: "redis://:secret@db/")
        #expect(configuration.username == nil)
        #expect(configuration.password == "secret")
    }

    @Test("IPv6 addresses stand in brackets")
    func version6() throws {
        #expect(try RedisConfiguration(url: "redis://[::1]:7000").address == .tcp(host: "::1", port: 7000))
        #expect(try RedisConfiguration(url: "redis://[::1]").serverName == "[::1]:6379")
    }

    @Test("rediss:// is TLS with full verification")
    func secure() throws {
        let configuration = try RedisConfiguration(url: "rediss://db")
        #expect(configuration.tls == RedisConfiguration.TLS())
        #expect(configuration.tls?.verification == .full)
    }

    @Test("A unix socket has a path, and may have a user and a database")
    func socket() throws {
        #expect(try RedisConfiguration(url: "unix:///run/redis.sock").address == .unix(path: "/run/redis.sock"))
        let full = try RedisConfiguration(url: "unix://edge:secret@/run/my%20redis.sock?db=2")
        #expect(full.address == .unix(path: "/run/my redis.sock"))
        #expect(full.username == "edge")
        #expect(full.password == "secret")
        #expect(full.database == 2)
    }

    @Test(
        "What is wrong is named",
        arguments: [
            ("db:6379", "begins with"), ("http://db", "http://"), ("redis://", "needs a host"),
            ("redis://:6379", "needs a host"), ("redis://db:0", "port"), ("redis://db:70000", "port"),
            ("redis://db:x", "port"), ("redis://db/x", "database"), ("redis://db/-1", "database"),
            ("redis://u:%zz@db", "password"), ("redis://%f@db", "user"), ("redis://u:%ff@db", "UTF-8"),
            ("redis://[::1", "]"), ("redis://[::1]x", "]"), ("redis://db?x=1", "?"), ("unix://run/redis.sock", "path"),
            ("unix:///", "path"), ("unix://", "path"), ("unix:///s?x=1", "x"), ("unix:///s?db=a", "database"),
            ("redis-sentinel://a,b/primary", "not supported by this build"),
            ("redis-cluster://a,b", "not supported by this build"),
        ])
    func refused(_ url: String, _ part: String) throws {
        let error = try #require(throws: RedisConfigurationError.self) { try RedisConfiguration(url: url) }
        #expect(error.description.contains(part), "\(error)")
    }

    @Test("Neither the description nor an error shows the password")
    func noPassword() throws {
        let configuration = try RedisConfiguration(url: "redis://edge:hunter2@db/1")
        #expect("\(configuration)" == "redis://edge@db:6379/1")
        let error = try #require(throws: RedisConfigurationError.self) {
            try RedisConfiguration(url: "redis://edge:hunter2@db:x")
        }
        #expect(!error.description.contains("hunter2"))
    }
}
