import Foundation
import NIOCore
import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// Who may do what: the tables of Auth.md, each cell tried on a real edge.
@Suite("The authorisation table", .timeLimit(.minutes(5)))
struct AuthorisationMatrixTests {
    /// How each op is asked, by its name: what it takes stands in Auth.md. One line an op.
    private static let ops: [ClientCommand.Name: @Sendable (String) -> String] = [
        .hello: { _ in "" },
        .ping: { _ in "" },
        .leave: { #""room":"\#($0)""# },
        .join: { #""room":"\#($0)""# },
        .history: { #""room":"\#($0)""# },
        .who: { #""room":"\#($0)""# },
        .send: { #""room":"\#($0)","text":"hi""# },
    ]

    /// How each request is made: method and path, `ROOM` for the room's id, and its body. One line a request.
    private static let requests: [(name: String, body: String?)] = [
        ("GET /v1/rooms/ROOM/messages", nil),
        ("GET /v1/rooms/ROOM/members", nil),
        ("POST /v1/rooms/ROOM/messages", #"{"text":"hi"}"#),
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
        ("own conversation", { "dm:\($0)+zoe" }), ("others' conversation", { _ in "dm:yan+zoe" }),
    ]

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

    /// What each op and request takes: `read`, `write` or `nothing`.
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

    @Test("has every op of the protocol and every request, and no other")
    func complete() throws {
        let needs = try Self.needs()
        let names = ClientCommand.Name.allCases
        #expect(Set(needs.keys) == Set(names.map(\.rawValue) + Self.requests.map(\.name)))
        for name in names { #expect(Self.ops[name] != nil, "no line says how \(name) is asked") }
        #expect(Set(needs.values).isSubset(of: ["read", "write", "nothing"]))
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

    /// Makes every room, so that none is refused for not being there.
    private static func makeRooms(_ edge: EdgeProcess, _ scene: AuthScene) async throws {
        let zoe = try await Talker.connect(edge, token: try scene.token("zoe", ["--admin"]))
        for room in Set(people.flatMap { who in columns.map { $0.room(who.name) } }) {
            try await zoe.say("first", in: room)
        }
    }

    @Test("holds in every cell, over WebSocket and HTTP")
    func cells() async throws {
        let (needs, table) = (try Self.needs(), try Self.table("who"))
        try await AuthScene.run(["--rate", "10000", "--burst", "10000"]) { world, edges, scene in
            let edge = edges[0]
            let tokens = try Self.tokens(world, scene)
            try await Self.makeRooms(edge, scene)
            try await eventually("the late token is late", within: .seconds(5)) {
                let head = ["Authorization: Bearer \(tokens["late"] ?? "")"]
                return try await edge.ask("GET", "/v1/rooms/general/messages", headers: head).text.contains("expired")
            }
            var tried = 0
            for (row, (who, arguments)) in zip(table.dropFirst(), Self.people) {
                for (cell, column) in zip(row.dropFirst(), Self.columns) {
                    let room = column.room(who)
                    let what = "\(who) in \(column.name)"
                    for (name, body) in Self.requests {
                        let need = try #require(needs[name])
                        let outcome = try await Self.outcome(edge, tokens[who], name, room, body)
                        #expect(outcome == Self.expected(cell, need), "\(what): \(name)")
                        tried += 1
                    }
                    guard arguments != nil || who == "nobody" else {
                        try await Self.expectClosed(edge, tokens[who] ?? "", cell, what)
                        tried += Self.ops.count
                        continue
                    }
                    let session = try await Self.session(edge, tokens[who])
                    for (name, fields) in Self.ops.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
                        let need = try #require(needs[name.rawValue])
                        let outcome = try await Self.outcome(session, name, fields(room), token: tokens[who])
                        #expect(outcome == Self.expected(cell, need), "\(what): \(name.rawValue)")
                        tried += 1
                    }
                    await session.connection.close()
                }
            }
            #expect(tried == Self.people.count * Self.columns.count * (Self.ops.count + Self.requests.count))
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
        // One may leave whatever one is in, and nobody is told what there is to leave.
        return name == .leave && code == "not_joined" ? nil : code
    }

    /// The code with which a request is refused; nil where it is not.
    private static func outcome(
        _ edge: EdgeProcess, _ token: String?, _ name: String, _ room: String, _ body: String?
    ) async throws -> String? {
        let words = name.split(separator: " ").map(String.init)
        let head = token.map { ["Authorization: Bearer \($0)"] } ?? []
        let answer = try await edge.ask(words[0], words[1].replacing("ROOM", with: room), headers: head, json: body)
        guard answer.status >= 300 else { return nil }
        let code = try JSONReader.object(from: answer.body)["code"]?.string
        let statuses = ["unauthorized": 401, "token_expired": 401, "forbidden": 403, "no_such_room": 404]
        #expect(statuses[code ?? ""] == answer.status, "\(name): \(answer.status) \(code ?? "")")
        return code
    }
}
