import Foundation
import RelayTestKit
import Testing

@Suite("`martlet chat`, typed faster than the relay answers", .timeLimit(.minutes(20)), .serialized)
struct ChatHasteTests {
    @Test("What is typed ahead goes where it was meant to, and nobody leaves before what they said is stored")
    func ahead() async throws {
        try await ChatScene.meet(bob: ["general", "tea"]) { edge, alice, bob in
            alice.type("/join tea\rfor tea\rbye\r/quit\r")
            #expect(try await alice.end() == 0)
            for text in ["for tea", "bye"] {
                try await eventually("\(text) is stored") {
                    let page = try await edge.ask("GET", "/v1/rooms/tea/messages?user=carol").text
                    return page.contains("\"text\":\"\(text)\"")
                }
            }
            let elsewhere = try await edge.ask("GET", "/v1/rooms/general/messages?user=carol").text
            #expect(!elsewhere.contains("for tea") && !elsewhere.contains("bye"))
            // Many rooms at once are more than the rate allows, and all entered.
            let rooms = (1...25).map { "r\($0)" }
            let carol = try ChatScene.start("carol", rooms, url: "ws://\(edge.authority)")
            defer { carol.close() }
            try await eventually("carol is in all of them") {
                try await edge.metric("martlet_edge_rooms") >= 27
            }
            #expect(!carol.lines.contains { $0.contains("Too fast") })
        }
    }

    @Test("What a pipe says waits until its room is entered: it is about those who are there")
    func pipedAhead() async throws {
        try await RelayWorld.run(options: .init(isMostlyWaiting: true)) { _, edges in
            let script = """
                printf '/who\\n/topic\\nhello\\n' | \(RelayProgram.programsDirectory)/martlet chat den --user alice \
                --url ws://\(edges[0].authority)
                """
            let ended = try await FinishedCommand.runAside(["/bin/sh", "-c", script])
            #expect(ended.exitCode == 0, "\(ended.output)\(ended.errorOutput)")
            let lines = ended.output.split(separator: "\n")
            #expect(lines.first?.hasPrefix("*** Welcome to den, alice.") == true, "\(ended.output)")
            #expect(lines.dropFirst().first == "*** 1 here: alice", "\(ended.output)")
        }
    }

    @Test("Who goes while nothing is confirmed is told so")
    func unanswered() async throws {
        try await ChatScene.meetByPort { _, port, alice in
            port.lead(to: 1)
            try await alice.shows("no connection, next try in ")
            alice.type("said while away\r/quit\r")
            try await alice.sees("*** Waiting until what you said is stored")
            alice.type("/quit\r")
            #expect(try await alice.end() == 1)
            #expect(alice.lines.contains { $0.hasPrefix("martlet: 1 of your lines") }, "\(alice.lines)")
        }
    }
}
