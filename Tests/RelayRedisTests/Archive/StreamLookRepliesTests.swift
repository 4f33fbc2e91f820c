import NIOCore
import RedisProtocol
import RelayCore
import Testing

@testable import RelayRedis

@Suite("A look by plain commands: of one moment, or none")
struct StreamLookRepliesTests {
    private static let room = RoomID("general")

    /// What Redis holds at one moment, and what each command would answer then.
    private struct Moment {
        var meta: [String?] = ["7", "3", "1-1", "1", "5", nil, nil, nil, nil, nil, nil]
        var ids: [String]? = ["1-1", "1-2", "1-3"]
        var lastGenerated = "1-3"
        var added = 3

        var fields: RESPValue { .array(meta.map { $0.map(bulk) ?? .null }) }

        var info: Result<RESPValue, RedisError> {
            guard let ids else { return .failure(.serverError(code: "ERR", message: "ERR no such key")) }
            func entry(_ id: String?) -> RESPValue { id.map { .array([bulk($0), .array([])]) } ?? .null }
            return .success(
                .array([
                    bulk("length"), .integer(ids.count), bulk("last-generated-id"), bulk(lastGenerated),
                    bulk("entries-added"), .integer(added), bulk("first-entry"), entry(ids.first),
                    bulk("last-entry"), entry(ids.last),
                ]))
        }

        func page(limit: Int) throws -> RESPValue {
            let entries = (ids ?? []).prefix(limit).map { id -> String in
                let seq = id.split(separator: "-").last.map(String.init) ?? ""
                let fields = ["seq", seq, "type", "message", "user", "a", "name", "A", "text", "t"]
                return "*2\r\n$\(id.utf8.count)\r\n\(id)\r\n*\(fields.count)\r\n"
                    + fields.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()
            }
            let reader = RESPReader()
            reader.feed(ByteBuffer(string: "*\(entries.count)\r\n" + entries.joined()))
            return try reader.next(isTaped: true) ?? .null
        }

        private func bulk(_ text: String) -> RESPValue { .bulk(ByteBuffer(string: text)) }
    }

    /// The look of replies of which each is of its own moment.
    private func look(
        _ moments: [Moment], limit: Int = 10, from id: MessageID = .zero
    ) throws -> StreamLook? {
        let room = try #require(Self.room)
        let time = RESPValue.array([.bulk(ByteBuffer(string: "2")), .bulk(ByteBuffer(string: "3999"))])
        let outcomes: [Result<RESPValue, RedisError>] = [
            .success(moments[0].fields), moments[1].info, .success(try moments[2].page(limit: limit)), .success(time),
            moments[3].info, .success(moments[4].fields),
        ]
        return try StreamLookReplies(outcomes)?.look(of: room, from: id, limit: limit)
    }

    /// Where in the five reads something happens that changes the moment: before the second of them, and so on.
    private func looks(_ before: Moment, _ after: Moment, limit: Int = 10) throws -> [StreamLook?] {
        try (1...4).map { cut in
            try look(Array(repeating: before, count: cut) + Array(repeating: after, count: 5 - cut), limit: limit)
        }
    }

    @Test("Replies of one moment are a look")
    func oneMoment() throws {
        let look = try #require(try look(Array(repeating: Moment(), count: 5)))
        #expect(look.now == 2003)
        #expect(look.entries.map(\.id.description) == ["1-1", "1-2", "1-3"])
        #expect(look.oldestID?.description == "1-1" && look.lastID?.description == "1-3")
        #expect(look.standing?.epoch == 7 && look.standing?.seq == 3)
        #expect(look.standing?.archived == ArchivePosition(id: MessageID(milliseconds: 1, sequence: 1), seq: 1))
        var empty = Moment()
        empty.ids = nil
        let without = try #require(try self.look(Array(repeating: empty, count: 5)))
        #expect(without.entries.isEmpty && without.oldestID == nil && without.lastID == nil)
        empty.ids = []
        let drained = try #require(try self.look(Array(repeating: empty, count: 5)))
        #expect(drained.entries.isEmpty && drained.oldestID == nil && drained.lastID?.description == "1-3")
    }

    @Test("A message posted between two of the commands makes them none")
    func posted() throws {
        var after = Moment()
        after.meta[1] = "4"
        after.ids = ["1-1", "1-2", "1-3", "1-4"]
        (after.lastGenerated, after.added) = ("1-4", 4)
        #expect(try looks(Moment(), after) == [nil, nil, nil, nil])
    }

    @Test("So does an entry that somebody adds by hand, which changes nothing in meta")
    func addedByHand() throws {
        var after = Moment()
        after.ids = ["1-1", "1-2", "1-3", "1-9"]
        (after.lastGenerated, after.added) = ("1-9", 4)
        // Before the first look at the stream, or after the last one, it is of one moment with all that is said.
        let looks = try looks(Moment(), after)
        #expect(looks[0]?.entries.count == 4 && looks[0]?.lastID?.description == "1-9")
        #expect(looks[1] == nil && looks[2] == nil)
        #expect(looks[3]?.entries.count == 3 && looks[3]?.lastID?.description == "1-3")
    }

    @Test("A trim, by whomever, is no loss: the replies around it are none")
    func trimmed() throws {
        var after = Moment()
        after.ids = ["1-3"]
        let looks = try looks(Moment(), after)
        #expect(looks[0]?.oldestID?.description == "1-3" && looks[0]?.entries.count == 1)
        #expect(looks[1] == nil && looks[2] == nil)
        #expect(looks[3]?.entries.count == 3)
        // One added and one trimmed: as many as before.
        after.ids = ["1-2", "1-3", "1-4"]
        (after.lastGenerated, after.added) = ("1-4", 4)
        let moved = try self.looks(Moment(), after)
        #expect(moved[1] == nil && moved[2] == nil)
    }

    @Test("A flush, and a room made again, are found out wherever they come")
    func flushed() throws {
        var gone = Moment()
        gone.meta = Array(repeating: nil, count: gone.meta.count)
        gone.ids = nil
        #expect(try looks(Moment(), gone) == [nil, nil, nil, nil])
        // Of a room without meta the script tells what there is.
        #expect(try look(Array(repeating: gone, count: 5)) == nil)
        var again = Moment()
        again.meta = ["8", "1", nil, nil, "5", nil, nil, nil, nil, nil, nil]
        again.ids = ["1-1"]
        (again.lastGenerated, again.added) = ("1-1", 1)
        #expect(try looks(Moment(), again) == [nil, nil, nil, nil])
        #expect(try looks(gone, again) == [nil, nil, nil, nil])
    }

    @Test("A rewound counter, an acknowledgement and a deletion in between make them none", arguments: [0, 1, 2, 3, 6])
    func metaChanged(_ field: Int) throws {
        var after = Moment()
        after.meta[field] = "9"
        #expect(try looks(Moment(), after) == [nil, nil, nil, nil])
    }

    @Test("A stream that is away only while the page is read is missed by the rest, and seen by the page itself")
    func awayMeanwhile() throws {
        var away = Moment()
        for ids in [nil, [], ["1-2", "1-3"], ["1-1", "1-2"], ["1-1", "1-2", "1-3", "1-4"]] as [[String]?] {
            away.ids = ids
            #expect(try look([Moment(), Moment(), away, Moment(), Moment()]) == nil, "\(String(describing: ids))")
        }
        away.ids = nil
        let from = MessageID(milliseconds: 1, sequence: 2)
        #expect(try look([Moment(), Moment(), away, Moment(), Moment()], from: from) == nil)
        // A full page need not end where the stream does.
        #expect(try look(Array(repeating: Moment(), count: 5), limit: 2)?.entries.count == 2)
    }

    @Test("A command that fails says why; a stream that is not there is no failure")
    func failures() throws {
        let good: [Result<RESPValue, RedisError>] = [
            .success(Moment().fields), Moment().info, .success(try Moment().page(limit: 9)),
            .success(.array([])), Moment().info, .success(Moment().fields),
        ]
        for index in good.indices {
            for error in [RedisError.unavailable, .serverError(code: "WRONGTYPE", message: "WRONGTYPE no")] {
                var bad = good
                bad[index] = .failure(error)
                #expect(throws: error) { try StreamLookReplies(bad) }
            }
        }
    }
}
