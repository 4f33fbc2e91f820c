import RelayCore
import Testing

@Suite("A page of a list")
struct ListPageTests {
    private func occupant(_ user: String) throws -> Occupant {
        Occupant(user: try #require(UserID(user)), name: user, since: 1, sessions: 1)
    }

    private func conversation(_ room: String, _ milliseconds: UInt64) throws -> Conversation {
        let facts = RoomFacts(name: room, createdBy: nil, createdAt: milliseconds)
        let summary = RoomSummary(room: try #require(RoomID(room)), facts: facts, lastSeq: 0, last: nil)
        return Conversation(summary: summary, marker: .none)
    }

    @Test("of who is there goes on after a user, also one who has left")
    func occupants() throws {
        let all = try ["a", "b", "d", "e"].map(occupant)
        #expect(OccupantPage.first.cut(from: all).shown == all)
        let pages: [(String?, Int, [String], Bool)] = [
            (nil, 2, ["a", "b"], true), ("b", 2, ["d", "e"], false), ("c", 1, ["d"], true), ("e", 1, [], false),
        ]
        for (after, limit, names, more) in pages {
            let page = OccupantPage(after: after.flatMap { UserID($0) }, limit: limit)
            let cut = page.cut(from: all)
            #expect(cut.shown.map(\.name) == names && cut.more == more)
        }
    }

    @Test("of conversations goes on below a place, and shows each once though two are as old")
    func conversations() throws {
        let all = try [conversation("d", 9), conversation("c", 5), conversation("b", 5), conversation("a", 1)]
        var (shown, page) = ([RoomID](), ConversationPage(limit: 1))
        for _ in all {
            let list = page.cut(from: all)
            shown += list.conversations.map(\.summary.room)
            #expect(list.more == (list.next != nil))
            page.after = list.next.flatMap { ConversationPlace($0.description) }
        }
        #expect(shown == all.map(\.summary.room))
        #expect(page.after == nil)
    }

    @Test("A place is written as an id and a room")
    func places() {
        #expect(ConversationPlace("5-0 general")?.description == "5-0 general")
        for text in ["", "5-0", "5-0 ", " general", "general 5-0", "5-0 general x", "5-0  general"] {
            #expect(ConversationPlace(text) == nil, "\(text)")
        }
    }
}
