import Foundation
import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// Redis answers, but not with what was asked for.
@Suite("Fault: Redis refuses", .timeLimit(.minutes(20)))
struct RedisRefusalTests {
    /// A way for Redis to refuse writes, and back.
    struct Refusing {
        let begin: [String]
        let end: [String]
    }

    private static func code(_ talker: Talker, _ room: String, nonce: String? = nil) async throws -> ErrorCode? {
        let mark = nonce.map { #","nonce":"\#($0)""# } ?? ""
        return try await talker.refusal("send", #""room":"\#(room)","text":"x"\#(mark)"#)?.code
    }

    @Test(
        "Out of memory, and a read-only replica: sends are unavailable, history is not, sessions stay, all goes on",
        arguments: [
            Refusing(begin: ["CONFIG", "SET", "maxmemory", "1"], end: ["CONFIG", "SET", "maxmemory", "0"]),
            Refusing(begin: ["REPLICAOF", "127.0.0.1", "1"], end: ["REPLICAOF", "NO", "ONE"]),
        ])
    func unwritable(_ commands: Refusing) async throws {
        try await FaultScene.run { scene in
            let visitors = [try await scene.visitor("ann", at: 0), try await scene.visitor("ben", at: 1)]
            try await scene.underLoad {
                try await scene.world.cli(commands.begin)
                for visitor in visitors {
                    #expect(try await Self.code(visitor, "general") == .unavailable)
                    switch try await visitor.ask("history", #""room":"general""#) {
                    case .history(let page): #expect(!page.messages.isEmpty)
                    case let answer: Issue.record("\(answer)")
                    }
                }
                let before = scene.acknowledged
                #expect(try await Self.code(visitors[0], "general") == .unavailable)
                #expect(scene.acknowledged == before)
                try await scene.world.cli(commands.end)
            }
            for visitor in visitors { #expect(visitor.closing == nil) }
            for resident in scene.people { #expect(resident.look { $0.welcomes } == 1) }
        }
    }

    @Test("A key of a room has a wrong type: that room is unavailable, others are not, and it heals with the key gone")
    func wrongTypeOfARoom() async throws {
        try await FaultScene.run { scene in
            let visitor = try await scene.visitor("ann")
            try await scene.underLoad {
                for key in ["stream", "meta"] {
                    let room = "broken-\(key)"
                    try await scene.world.cli("SET", "chat:{\(room)}:\(key)", "wrong")
                    #expect(try await Self.code(visitor, room) == .unavailable)
                    #expect(try await visitor.refusal("join", #""room":"\#(room)""#)?.code == .unavailable)
                    try await scene.progress(5)
                    try await scene.world.cli("DEL", "chat:{\(room)}:\(key)")
                    try await Self.expectWhole(room, visitor)
                }
                // Presence is not worth a message.
                try await scene.world.cli("SET", "chat:{broken-here}:here", "wrong")
                try await visitor.join("broken-here")
                try await visitor.say("one", in: "broken-here")
                try await scene.world.cli("DEL", "chat:{broken-here}:here")
                try await eventually("it is known who is there") {
                    try await scene.world.cli("HKEYS", "chat:{broken-here}:here").contains("/ann")
                }
                // Without the record of nonces it is not known whether a send was made before.
                let window = UInt64(Date().timeIntervalSince1970 / 600)
                let windows = [window, window + 1].map { "chat:{broken-sent}:sent:\($0)" }
                for key in windows { try await scene.world.cli("SET", key, "wrong") }
                #expect(try await Self.code(visitor, "broken-sent", nonce: "n") == .unavailable)
                for key in windows { try await scene.world.cli("DEL", key) }
                #expect(try await visitor.say("x", in: "broken-sent", nonce: "n").seq == 1)
            }
            let log = await scene.edges[0].program.errorOutput
            #expect(log.contains("WRONGTYPE"))
            #expect(visitor.closing == nil)
        }
    }

    private static func expectWhole(_ room: String, _ visitor: Talker) async throws {
        try await eventually("\(room) is whole", within: .seconds(5)) {
            try await visitor.refusal("join", #""room":"\#(room)""#) == nil
        }
        #expect(try await visitor.say("one", in: room).seq == 1)
        #expect(try await visitor.say("two", in: room).seq == 2)
        try await eventually("both are heard") {
            visitor.look { $0.messages.filter { $0.message.draft.room.description == room }.count } == 2
        }
    }

    @Test(
        "The list of rooms, or of edges, has a wrong type: people talk on, and it heals with the key gone",
        arguments: ["chat:rooms", "chat:edges"])
    func wrongTypeOfAList(_ key: String) async throws {
        try await FaultScene.run { scene in
            let visitor = try await scene.visitor("ann")
            try await visitor.join("aside")
            try await visitor.say("one", in: "aside")
            try await scene.underLoad {
                try await scene.world.cli("DEL", key)
                try await scene.world.cli("SET", key, "wrong")
                try await scene.progress(50)
                #expect(try await visitor.say("two", in: "aside").seq == 2)
                try await scene.world.cli("DEL", key)
            }
            try await eventually("the list is whole", within: .seconds(15)) {
                let members = try await scene.world.cli("ZRANGE", key, "0", "-1").split(separator: "\n")
                return key == "chat:edges" ? members.count == 2 : members.contains("general")
            }
            #expect(visitor.closing == nil)
        }
    }

    @Test("The clock of Redis was ahead and is set back: ids go on above the last one, in order, in the archive too")
    func clockStepsBack() async throws {
        // What a post does, under an id of an hour from now.
        let store = """
            local time = redis.call('TIME')
            local ms = string.format('%.0f', (tonumber(time[1]) + 3600) * 1000)
            local seq = redis.call('HINCRBY', KEYS[2], 'seq', 1)
            redis.call('XADD', KEYS[1], ms .. '-0', 'seq', seq, 'type', 'message', 'user', 'carol', 'name', 'Carol',
              'text', 'from the future')
            redis.call('ZADD', KEYS[3], ms, 'general')
            return ms
            """
        try await FaultScene.run { scene in
            var ahead = ""
            try await scene.underLoad {
                ahead = try await scene.world.cli(
                    "EVAL", store, "3", "chat:{general}:stream", "chat:{general}:meta", "chat:rooms")
                try await scene.progress(20)
                try await scene.world.cli("XSETID", "chat:{general}:stream", "\(ahead)-5000")
            }
            let future = try #require(UInt64(ahead))
            for resident in scene.people {
                let later = resident.look { $0.copies.filter { $0.id.milliseconds >= future } }
                #expect(later.first?.text == "from the future" && later.count > 20)
                #expect(later.last.map { $0.id.sequence > 5000 } == true)
            }
        }
    }
}
