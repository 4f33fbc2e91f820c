import Foundation
import NIOCore
import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// Who may do what: the tables of Auth.md, each cell tried on a real edge.
@Suite("The authorisation table", .timeLimit(.minutes(20)))
struct AuthorisationMatrixTests {
    /// How each op is asked in a room, by its name: what it takes stands in Auth.md. One line an op.
    private static let ops: [ClientCommand.Name: @Sendable (String) -> String] = [
        .hello: { _ in "" },
        .ping: { _ in "" },
        .rooms: { _ in "" },
        .leave: { #""room":"\#($0)""# },
        .join: { #""room":"\#($0)""# },
        .history: { #""room":"\#($0)""# },
        .who: { #""room":"\#($0)""# },
        .read: { #""room":"\#($0)","id":"1-1""# },
        .send: { #""room":"\#($0)","text":"hi""# },
        .typing: { #""room":"\#($0)""# },
        .edit: { #""room":"\#($0)","target":"1-1","text":"hi""# },
        .delete: { #""room":"\#($0)","target":"1-1""# },
        .direct: { _ in #""to":"zoe","text":"hi""# },
        .create: { #""room":"\#($0)""# },
        .page: { #""room":"\#($0)","to":"zoe""# },
        .kick: { _ in #""user":"yan","seconds":1"# },
        .mute: { _ in #""user":"yan","seconds":1"# },
        .pardon: { _ in #""user":"yan""# },
    ]

    /// What is asked where it is allowed, and cannot be done all the same: nobody is in the room any more, there is no
    /// such message, there is such a room, and the one who is asked for is not there.
    private static let passed: [ClientCommand.Name: String] = [
        .leave: "not_joined", .typing: "not_joined", .edit: "no_such_message", .delete: "no_such_message",
        .create: "exists", .page: "no_such_user",
    ]

    /// Ops on what somebody else said, by their names in the table.
    private static let meddling: [(name: String, op: String, fields: String)] = [
        ("edit, of another's", "edit", #","text":"hi""#), ("delete, of another's", "delete", ""),
    ]

    private typealias Asking = AuthorisationAsking

    /// How each command is typed, by its name in the table, and what may come of it where it is allowed.
    private static let commands: [(name: String, text: String, passed: String?)] = [
        ("/help", "/help", nil), ("/rooms", "/rooms", nil), ("/who", "/who", nil), ("/replay", "/replay 1", nil),
        ("/topic", "/topic", nil), ("/topic TEXT", "/topic x", nil), ("/me", "/me waves", nil),
        ("/page", "/page zoe", "no_such_user"), ("/msg", "/msg zoe hi", "no_such_user"),
        ("/r", "/r hi", "no_such_user"),
        ("/join", "/join ROOM", nil), ("/quit", "/quit", "not_joined"),
    ]

    /// Arguments of `martlet token` for each who; nil for those whose token is no good.
    private static let people: [(name: String, arguments: [String]?)] = [
        ("nobody", nil), ("bad", nil), ("late", nil), ("full", []), ("writer", ["--rooms", "appointment:*"]),
        ("reader", ["--read", "news:*"]), ("mixed", ["--rooms", "appointment:*", "--read", "news:*"]),
        ("admin", ["--admin"]),
    ]

    /// The room of each column, for that user.
    private static let columns: [(name: String, room: @Sendable (String) -> String)] = [
        ("general", { _ in "general" }), ("appointment:1", { _ in "appointment:1" }), ("news:1", { _ in "news:1" }),
        ("private, a member", { _ in "appointment:ours" }), ("private, a stranger", { _ in "appointment:theirs" }),
        ("own conversation", { "dm:\($0)+zoe" }), ("others' conversation", { _ in "dm:yan+zoe" }),
    ]

    /// The column that decides, where it is not the room's own: a conversation is with somebody wherever one stands, an
    /// order is for everywhere, who may make rooms of a name is told that one is taken, whoever may see it, and who has
    /// not joined a room types there for nobody.
    private static func column(of op: ClientCommand.Name, in column: String) -> String {
        switch op {
        case .direct: "own conversation"
        case .kick, .mute, .pardon: "general"
        case .create where column == "private, a stranger", .typing where column == "private, a stranger":
            "private, a member"
        default: column
        }
    }

    // MARK: What is written

    /// The rows of the table whose first heading is that, without its headings.
    private static func table(_ heading: String) throws -> [[String]] {
        let path = "\(FinishedCommand.packageRoot)/Sources/RelayEdge/RelayEdge.docc/Auth.md"
        let lines = try String(contentsOfFile: path, encoding: .utf8).components(separatedBy: "\n")
        let start = try #require(lines.firstIndex { $0.hasPrefix("| \(heading) |") })
        return lines[start...].prefix { $0.hasPrefix("|") }.filter { !$0.hasPrefix("|--") }.map { line in
            line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        }
    }

    /// What each op and request takes: `read`, `write`, `admin` or `nothing`.
    private static func needs() throws -> [String: String] {
        let rows = try table("op").dropFirst()
        return Dictionary(uniqueKeysWithValues: rows.map { ($0[0].replacing("`", with: ""), $0[1]) })
    }

    /// What is to come of an op that takes that, in a cell; nil where it is let pass.
    private static func expected(_ cell: String, _ need: String) -> String? {
        if need == "nothing" { return cell == "unauthorized" || cell == "token_expired" ? cell : nil }
        let words = cell.split(separator: " ").map(String.init)
        guard words.contains("read") || words.contains("write") else { return cell }
        return words.contains(need) ? nil : "forbidden"
    }

    private static func expected(
        _ op: ClientCommand.Name, _ cells: [String: String], _ column: String, _ need: String
    ) -> String? {
        let expected = expected(cells[Self.column(of: op, in: column)] ?? "", need)
        // A direct conversation comes into being by itself: its id is none for a new room, for whoever has said hello.
        if op == .create, column.hasSuffix("conversation"), expected != "unauthorized" { return "bad_room" }
        return expected
    }

    @Test("has every op of the protocol and every request, and no other")
    func complete() throws {
        let needs = try Self.needs()
        let names = ClientCommand.Name.allCases
        let asked = names.map(\.rawValue) + Self.meddling.map(\.name) + (Asking.requests + Asking.endings).map(\.name)
        #expect(Set(needs.keys) == Set(asked + Self.commands.map(\.name)))
        #expect(Set(Self.commands.map(\.name)) == Set(SlashCommand.Name.allCases.map { "/\($0)" } + ["/topic TEXT"]))
        for name in names { #expect(Self.ops[name] != nil, "no line says how \(name) is asked") }
        #expect(Set(needs.values).isSubset(of: ["read", "write", "admin", "nothing"]))
        let rows = try Self.table("who")
        #expect(rows[0] == ["who"] + Self.columns.map(\.name))
        #expect(rows.dropFirst().map { $0[0] } == Self.people.map(\.name))
    }

    // MARK: What happens

    /// A room's id in an answer, or nothing: a code.
    private static func code(_ answer: ServerAnswer) -> String? {
        if case .refused(let refusal) = answer { refusal.code.rawValue } else { nil }
    }

    private static func tokens(_ world: RelayWorld, _ scene: AuthScene) throws -> [String: String] {
        let other = "\(world.directory)/other"
        try "another secret of more than 32 bytes".write(toFile: other, atomically: true, encoding: .utf8)
        var tokens = [
            "bad": try AuthScene.mint(["--jwt-secret-file", other, "--user", "bad", "--admin"]),
            "late": try scene.token("late", ["--admin", "--expires", "1s"]),
        ]
        for (name, arguments) in people {
            if let arguments { tokens[name] = try scene.token(name, arguments) }
        }
        return tokens
    }

    /// Makes every room, so that none is refused for not being there; answers with two messages of each, one
    /// for the ops and one for the requests.
    private static func makeRooms(_ edge: EdgeProcess, _ scene: AuthScene) async throws -> [String: [MessageID]] {
        let zoe = try await Talker.connect(edge, token: try scene.token("zoe", ["--admin"]))
        let members = people.filter { $0.name != "admin" }.map { "\"\($0.name)\"" }.joined(separator: ",")
        for (room, names) in [("appointment:ours", members), ("appointment:theirs", "")] {
            let code = try await zoe.refusal("create", #""room":"\#(room)","private":true,"members":[\#(names)]"#)?.code
            #expect(code == nil)
        }
        var said: [String: [MessageID]] = [:]
        for room in Set(people.flatMap { who in columns.map { $0.room(who.name) } }) {
            for text in ["first", "second"] { said[room, default: []].append(try await zoe.say(text, in: room).id) }
        }
        return said
    }

    @Test("holds in every cell, over WebSocket and HTTP")
    func cells() async throws {
        let (needs, table) = (try Self.needs(), try Self.table("who"))
        try await AuthScene.run(["--rate", "10000", "--burst", "10000"]) { world, edges, scene in
            let edge = edges[0]
            let tokens = try Self.tokens(world, scene)
            let said = try await Self.makeRooms(edge, scene)
            try await eventually("the late token is late") {
                let head = ["Authorization: Bearer \(tokens["late"] ?? "")"]
                return try await edge.ask("GET", "/v1/rooms/general/messages", headers: head).text.contains("expired")
            }
            var tried = 0
            for (row, (who, arguments)) in zip(table.dropFirst(), Self.people) {
                let cells = Dictionary(uniqueKeysWithValues: zip(Self.columns.map(\.name), row.dropFirst()))
                for (cell, column) in zip(row.dropFirst(), Self.columns) {
                    let room = column.room(who)
                    let what = "\(who) in \(column.name)"
                    for asking in Asking.requests {
                        let need = try #require(needs[asking.name])
                        let outcome = try await Self.outcome(edge, tokens[who], asking, room, said[room]?.last)
                        let expected = Self.expected(asking, cells, column.name, need)
                        #expect(outcome == expected, "\(what): \(asking.name)")
                        tried += 1
                    }
                    guard arguments != nil || who == "nobody" else {
                        try await Self.expectClosed(edge, tokens[who] ?? "", cell, what)
                        tried += Self.ops.count + Self.meddling.count + Self.commands.count
                        continue
                    }
                    let session = try await Self.session(edge, tokens[who])
                    for (name, fields) in Self.ops.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
                        let need = try #require(needs[name.rawValue])
                        let outcome = try await Self.outcome(session, name, fields(room), token: tokens[who])
                        let expected = Self.expected(name, cells, column.name, need)
                        #expect(outcome == expected, "\(what): \(name.rawValue)")
                        tried += 1
                    }
                    for (name, op, fields) in Self.meddling {
                        let target = #""room":"\#(room)","target":"\#(try #require(said[room]?.first))""#
                        let outcome = Self.code(try await session.ask(op, target + fields))
                        #expect(outcome == Self.expected(cell, try #require(needs[name])), "\(what): \(name)")
                        tried += 1
                    }
                    for (name, text, passed) in Self.commands {
                        let said = #""room":"\#(room)","text":"\#(text.replacing("ROOM", with: room))""#
                        let outcome = Self.code(try await session.ask("send", said))
                        let isDirect = name == "/msg" || name == "/r"
                        let decides = isDirect ? cells["own conversation"] ?? "" : cell
                        let expected = Self.expected(decides, try #require(needs[name]))
                        #expect(outcome == expected || expected == nil && outcome == passed, "\(what): \(name)")
                        tried += 1
                    }
                    await session.connection.close()
                }
            }
            let ways = Self.commands.count + Self.ops.count + Self.meddling.count + Asking.requests.count
            #expect(tried == Self.people.count * Self.columns.count * ways)
            for asking in Asking.endings {
                for (row, who) in zip(table.dropFirst(), Self.people.map(\.name)) {
                    for (cell, column) in zip(row.dropFirst(), Self.columns) {
                        let room = column.room(who)
                        let outcome = try await Self.outcome(edge, tokens[who], asking, room, said[room]?.last)
                        let expected = Self.expected(cell, try #require(needs[asking.name]))
                        #expect(outcome == expected, "\(who) in \(column.name): \(asking.name)")
                    }
                }
            }
            try await Asking.compareWithDescription(edge)
        }
    }

    private static func session(_ edge: EdgeProcess, _ token: String?) async throws -> Talker {
        guard let token else { return try await Talker.connect(edge, as: nil) }
        return try await Talker.connect(edge, token: token)
    }

    /// A session with a token that is no good has no op answered: it is closed.
    private static func expectClosed(_ edge: EdgeProcess, _ token: String, _ cell: String, _ what: String) async throws
    {
        let session = try await Talker.connect(edge, token: token)
        #expect(try await session.ending().code == (cell == "token_expired" ? 4502 : 4501), "\(what)")
        #expect(session.heard.frames.isEmpty, "\(what)")
    }

    /// The code with which an op is refused; nil where it is not, or for something that is no right.
    private static func outcome(
        _ session: Talker, _ name: ClientCommand.Name, _ fields: String, token: String?
    ) async throws -> String? {
        let fields = name == .hello && token != nil ? #""token":"\#(token ?? "")""# : fields
        let code = code(try await session.ask(name.rawValue, fields))
        return code == passed[name] ? nil : code
    }

    /// What is to come of a request.
    private static func expected(
        _ asking: Asking, _ cells: [String: String], _ column: String, _ need: String
    ) -> String? {
        let cell = cells[column] ?? ""
        // Over HTTP it is asked first who asks.
        if expected(cell, "nothing") != nil { return cell }
        return asking.op.map { expected($0, cells, column, need) } ?? expected(cell, need)
    }

    /// The code with which a request is refused; nil where it is not, or for something that is no right.
    private static func outcome(
        _ edge: EdgeProcess, _ token: String?, _ asking: Asking, _ room: String, _ said: MessageID?
    ) async throws -> String? {
        let words = asking.line.split(separator: " ").map(String.init)
        let head = token.map { ["Authorization: Bearer \($0)"] } ?? []
        let path = words[1].replacing("ROOM", with: room).replacing("USER", with: "zoe")
            .replacing("ID", with: asking.isMeddling ? "\(try #require(said))" : "1-1")
        let answer = try await edge.ask(
            words[0], path, headers: head, json: asking.body?.replacing("ROOM", with: room))
        guard answer.status >= 300 else { return nil }
        let code = try JSONReader.object(from: answer.body)["code"]?.string
        let statuses = [
            "unauthorized": 401, "token_expired": 401, "forbidden": 403, "no_such_room": 404, "no_such_message": 404,
            "exists": 409, "bad_room": 400,
        ]
        #expect(statuses[code ?? ""] == answer.status, "\(asking.name): \(answer.status) \(code ?? "")")
        return code == asking.passed ? nil : code
    }
}
