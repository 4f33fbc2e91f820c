import Foundation
import Testing

@Suite("The ACL file gives each user what it needs, and no more", .serialized)
struct ACLFileTests {
    private typealias User = GuardedRedis.User

    /// A room, presence, an edge and an archiver, so that what is allowed has something to work on.
    private static let relay = [
        "XADD chat:{general}:stream 5-0 seq 1 type message user alice name Alice text hi",
        "HSET chat:{general}:meta name General seq 1 epoch 4", "SADD chat:{general}:members alice",
        "HSET chat:{general}:here e1/alice {}", "SADD chat:{general}:deleted 1-0", "ZADD chat:rooms 5 general",
        "ZADD chat:edges 5 e1", "HSET chat:edge:e1 version 1", "HSET chat:archiver:0/1 rooms 1",
        "HSET chat:user:{alice}:rooms general 5-0", "SET chat:user:{alice}:reply bob", "SET other:key 1",
    ]

    private static let allowed: [(User, [String])] = [
        (
            .edge,
            [
                "PING", "INFO server", "TIME", "CLIENT SETNAME edge-1", "CLIENT ID", "WAIT 0 1", "SELECT 0",
                "XADD chat:{general}:stream * seq 2 type message", "XRANGE chat:{general}:stream - +", "TIME",
                "XREVRANGE chat:{general}:stream + - COUNT 1", "XLEN chat:{general}:stream",
                "XINFO STREAM chat:{general}:stream", "XTRIM chat:{general}:stream MAXLEN 1000",
                "XSETID chat:{general}:stream 9999999999999-0", "HGET chat:{general}:meta seq",
                "HMGET chat:{general}:meta seq epoch", "HINCRBY chat:{general}:meta seq 1",
                "HGETALL chat:{general}:here",
                "HSETNX chat:user:{bob}:rooms general 0-0", "HDEL chat:{general}:here e9/bob",
                "HLEN chat:{general}:here",
                "ZADD chat:rooms GT 6 general", "ZRANGE chat:rooms 0 -1", "ZRANGEBYSCORE chat:rooms 0 +inf",
                "ZSCORE chat:edges e1", "ZMSCORE chat:rooms general", "ZREM chat:edges e9", "ZCARD chat:edges",
                "SADD chat:{general}:members bob",
                "SREM chat:{general}:members bob", "SPOP chat:edge:e1:rooms 100", "SMEMBERS chat:{general}:members",
                "SISMEMBER chat:{general}:deleted 1-0", "SMISMEMBER chat:{general}:deleted 1-0",
                "PUBSUB NUMSUB chat:user:{bob}", "SET chat:user:{bob}:reply alice PX 5",
                "DEL chat:user:{bob}:reply",
                "EXISTS chat:{general}:meta", "EXPIRE chat:edge:e1 60", "PEXPIRE chat:edge:e1 60000",
                "HGETALL chat:archiver:0/1", "PUBLISH chat:{general} x", "SPUBLISH chat:{general} x",
                "PUBLISH chat:user:{alice} x",
            ]
        ),
        (
            .archiver,
            [
                "PING", "INFO server", "TIME", "XRANGE chat:{general}:stream - +", "XINFO STREAM chat:{general}:stream",
                "XTRIM chat:{general}:stream MAXLEN 1000", "XSETID chat:{general}:stream 9999999999999-0",
                "HSET chat:{general}:meta archived_seq 1", "ZRANGEBYSCORE chat:rooms 0 +inf",
                "ZADD chat:rooms GT 6 general",
                "HSET chat:archiver:0/1 lines 1", "PEXPIRE chat:archiver:0/1 60000",
                "SET chat:archiver:0/1:lock me NX PX 9",
                "SMEMBERS chat:{general}:deleted", "HGETALL chat:edge:e1", "DEL chat:{gone}:stream",
                "ZREM chat:rooms gone",
            ]
        ),
        (
            .operator,
            [
                "PING", "INFO", "CLIENT LIST", "SLOWLOG GET", "ACL WHOAMI", "PUBLISH chat:control {}",
                "XRANGE chat:{general}:stream - +", "HGETALL chat:{general}:meta", "ZRANGE chat:rooms 0 -1 WITHSCORES",
                "SMEMBERS chat:{general}:members", "GET chat:user:{alice}:reply", "PUBSUB CHANNELS", "SCAN 0",
                "TYPE chat:rooms", "MEMORY USAGE chat:{general}:stream",
            ]
        ),
        (
            .monitor,
            [
                "PING", "INFO", "LATENCY LATEST", "XLEN chat:{general}:stream", "HGETALL chat:edge:e1",
                "HGETALL chat:archiver:0/1", "ZRANGE chat:edges 0 -1", "PUBSUB NUMSUB chat:{general}",
            ]
        ),
    ]

    private static let dangerous = [
        "KEYS *", "FLUSHALL", "FLUSHDB", "CONFIG GET *", "CONFIG SET maxmemory 1", "ACL LIST", "ACL SETUSER x",
        "SHUTDOWN NOSAVE", "CLIENT KILL TYPE pubsub", "CLIENT PAUSE 1", "SCRIPT FLUSH",
        "FUNCTION LIST", "REPLICAOF NO ONE", "BGREWRITEAOF", "SAVE", "MODULE LIST", "CLUSTER INFO", "SWAPDB 0 1",
        "GET other:key", "PUBLISH other x",
    ]

    private static let writes = [
        "XADD chat:{general}:stream * seq 9", "XTRIM chat:{general}:stream MAXLEN 0", "HSET chat:{general}:meta seq 9",
        "DEL chat:rooms", "SET chat:user:{alice}:reply eve", "ZADD chat:rooms 1 x", "EXPIRE chat:rooms 1",
        "COPY chat:rooms chat:copy", "EVAL return(1) 0", "SPUBLISH chat:{general} x", "PUBLISH chat:{general} x",
    ]

    private static let refused: [(User, [String])] = [
        (.edge, dangerous + ["SET other:key 2", "XADD other * a b", "SORT chat:rooms"]),
        (
            .archiver,
            dangerous + [
                "PUBLISH chat:{general} x", "SPUBLISH chat:{general} x", "DEL chat:edges",
                "HSET chat:edge:e1 version 2", "SET chat:user:{alice}:reply eve", "DEL chat:user:{alice}:rooms",
            ]
        ),
        (.operator, dangerous + writes + ["SPUBLISH chat:control x", "PUBLISH chat:controls x"]),
        (.monitor, dangerous + writes + ["PUBLISH chat:control x", "CLIENT LIST", "SLOWLOG RESET"]),
    ]

    /// What redis-cli prints first where Redis refuses, whatever the reason.
    private static let errors = ["NOPERM", "NOAUTH", "WRONGPASS", "ERR", "WRONGTYPE", "UNKILLABLE"]

    @Test("What a user needs is done, and what it does not need is refused")
    func rights() throws {
        let guarded = try GuardedRedis.start()
        defer { guarded.stop() }
        for line in Self.relay {
            let reply = try guarded.ask(name: "tester", password: User.tester.password, Self.words(line))
            #expect(!Self.errors.contains { reply.hasPrefix($0) }, "\(line): \(reply)")
        }
        // The refusals first: had one of them been let through, what is allowed would no longer work.
        for (user, commands) in Self.refused {
            for command in commands {
                let reply = try guarded.ask(name: user.rawValue, password: user.password, Self.words(command))
                #expect(reply.hasPrefix("NOPERM"), "\(user) was not refused \(command): \(reply)")
            }
        }
        for (user, commands) in Self.allowed {
            for command in commands {
                let reply = try guarded.ask(name: user.rawValue, password: user.password, Self.words(command))
                #expect(!Self.errors.contains { reply.hasPrefix($0) }, "\(user) was refused \(command): \(reply)")
            }
        }
    }

    @Test("Who may subscribe to what: the relay's channels, for all but the archiver")
    func subscriptions() throws {
        let guarded = try GuardedRedis.start()
        defer { guarded.stop() }
        func verdict(_ user: User, _ command: String, _ channelName: String) throws -> Bool {
            try guarded.ask(.tester, "ACL", "DRYRUN", user.rawValue, command, channelName) == "OK"
        }
        for user in [User.edge, .operator, .monitor] {
            #expect(try verdict(user, "SUBSCRIBE", "chat:{general}"))
            #expect(try verdict(user, "SSUBSCRIBE", "chat:{general}"))
            #expect(try verdict(user, "SUBSCRIBE", "chat:user:{alice}"))
            #expect(try !verdict(user, "SUBSCRIBE", "other"))
            #expect(try !verdict(user, "PSUBSCRIBE", "*"))
        }
        #expect(try verdict(.monitor, "PSUBSCRIBE", "chat:*"))
        #expect(try !verdict(.archiver, "SUBSCRIBE", "chat:{general}"))
        // Asked here, because redis-cli waits for ever after the real ones, also where they are refused.
        for user in GuardedRedis.User.allCases where user != .tester {
            #expect(try guarded.ask(.tester, "ACL", "DRYRUN", user.rawValue, "MONITOR") != "OK")
        }
    }

    @Test("Commands inside a script count: the edge's post script runs, the archiver's may trim but not publish")
    func scripts() throws {
        let guarded = try GuardedRedis.start()
        defer { guarded.stop() }
        let post = """
            local seq = redis.call('HINCRBY', KEYS[2], 'seq', 1)
            local id = redis.call('XADD', KEYS[1], '*', 'seq', seq, 'text', ARGV[1])
            redis.call('PUBLISH', 'chat:{general}', ARGV[1])
            redis.call('SPUBLISH', 'chat:{general}', ARGV[1])
            return seq
            """
        let keys = ["2", "chat:{general}:stream", "chat:{general}:meta"]
        func run(_ user: User, _ script: String) throws -> String {
            try guarded.ask(name: user.rawValue, password: user.password, ["EVAL", script] + keys + ["hi"])
        }
        #expect(try run(.edge, post) == "1")
        let digest = try guarded.ask(.edge, "SCRIPT", "LOAD", "return redis.call('TIME')")
        #expect(try !guarded.ask(.edge, "EVALSHA", digest, "0").contains("ERR"))

        let trim = """
            redis.call('XTRIM', KEYS[1], 'MINID', '1-0')
            redis.call('HSET', KEYS[2], 'archived_seq', 1)
            return 'acknowledged'
            """
        #expect(try run(.archiver, trim) == "acknowledged")
        #expect(
            try run(.archiver, "return redis.call('PUBLISH', 'chat:{general}', 'x')").contains(
                "executing the script can't"))
        #expect(try run(.edge, "return redis.call('PUBLISH', 'other', 'x')").contains("executing the script can't"))
        #expect(try run(.edge, "return redis.call('GET', 'other:key')").contains("executing the script can't"))
        #expect(try run(.monitor, "return 1").hasPrefix("NOPERM"))
    }

    @Test("As it stands in the repository the file lets nobody in")
    func templateIsClosed() throws {
        let text = try String(contentsOfFile: GuardedRedis.folder + "/users.acl", encoding: .utf8)
        let guarded = try GuardedRedis.start(accessControl: text.split(separator: "\n").map(String.init))
        defer { guarded.stop() }
        for name in ["default", "edge", "archiver", "operator", "monitor"] {
            for password in ["", "secret-of-\(name)"] {
                #expect(try guarded.ask(name: name, password: password, ["PING"]).hasPrefix("NOAUTH"), "\(name)")
            }
        }
        #expect(try guarded.ask(.tester, "PING") == "PONG")
    }

    @Test("redis.conf is in force: append-only, nothing evicted, slow subscribers cut")
    func configuration() throws {
        let guarded = try GuardedRedis.start()
        defer { guarded.stop() }
        func value(_ name: String) throws -> String {
            try guarded.ask(.tester, "CONFIG", "GET", name).split(separator: "\n").dropFirst().joined()
        }
        #expect(try value("appendonly") == "yes")
        #expect(try value("appendfsync") == "everysec")
        #expect(try value("maxmemory-policy") == "noeviction")
        #expect(try value("save").isEmpty)
        #expect(try value("client-output-buffer-limit").contains("pubsub 67108864 16777216 30"))
    }

    private static func words(_ line: String) -> [String] { line.split(separator: " ").map(String.init) }
}

@Suite("make-acl prints an ACL file")
struct MakeACLTests {
    @Test("Users that were not asked for stay off, and no password is in the file")
    func onlyTheAskedFor() throws {
        let lines = try GuardedRedis.makeACL(["edge"]).output.split(separator: "\n")
        #expect(lines.count == 5)
        #expect(lines.filter { $0.contains(" on ") }.map { $0.prefix(10) } == ["user edge "])
        #expect(!lines.contains { $0.contains("secret-of") })
    }

    @Test("A password that is not given is made, shown once, and opens the door")
    func madePassword() throws {
        let made = try FinishedCommand.run([GuardedRedis.folder + "/make-acl", "monitor"])
        let words = made.errorOutput.split(whereSeparator: \.isWhitespace).map(String.init)
        #expect(words.count == 2 && words.first == "monitor")
        let password = try #require(words.last)
        #expect(password.count == 32)
        let guarded = try GuardedRedis.start(accessControl: made.output.split(separator: "\n").map(String.init))
        defer { guarded.stop() }
        #expect(try guarded.ask(name: "monitor", password: password, ["ACL", "WHOAMI"]) == "monitor")
    }

    @Test("Another key prefix replaces every pattern")
    func keyPrefix() throws {
        let output = try GuardedRedis.makeACL(environment: ["MARTLET_KEY_PREFIX": "team"]).output
        #expect(!output.contains("chat:"))
        #expect(output.contains("~team:{*}:*") && output.contains("(+publish &team:control)"))
    }

    @Test("What cannot be right is refused with one line, and nothing is printed that Redis might load")
    func refusals() throws {
        let empty = try GuardedRedis.makeACL(environment: ["ACL_PASSWORD_EDGE": ""])
        let stranger = try GuardedRedis.makeACL(["alice"])
        let pattern = try GuardedRedis.makeACL(environment: ["MARTLET_KEY_PREFIX": "*"])
        for (result, word) in [(empty, "ACL_PASSWORD_EDGE"), (stranger, "alice"), (pattern, "MARTLET_KEY_PREFIX")] {
            #expect(result.exitCode == 64)
            #expect(result.output.isEmpty)
            #expect(result.errorOutput.contains(word) && result.errorOutput.split(separator: "\n").count == 1)
        }
    }
}
