import NIOCore
import RelayCore
import Testing

@testable import martlet

@Suite("Tables, lines and records")
struct TerminalTextTests {
    @Test("Rooms stand in columns")
    func rooms() throws {
        let rows = [
            RoomTable.Row(
                room: try #require(RoomID("general")), lastActive: 1_763_691_000_123, messages: "1200", here: 3),
            RoomTable.Row(room: try #require(RoomID("x")), lastActive: 0, messages: "0", here: 0),
        ]
        #expect(
            RoomTable.lines(rows) == [
                "ROOM     LAST ACTIVITY        MESSAGES  HERE", "general  2025-11-21 02:10:00      1200     3",
                "x        1970-01-01 00:00:00         0     0",
            ])
        #expect(RoomTable.lines([]) == ["no rooms yet"])
    }

    @Test("Bytes become lines wherever they are cut")
    func splitter() {
        let bytes = Array("one\ntwo\n\nthree".utf8)
        for cut in 0...bytes.count {
            var splitter = LineSplitter()
            let lines = splitter.bytesReceived(bytes[..<cut]) + splitter.bytesReceived(bytes[cut...])
            #expect(lines == ["one", "two", ""])
            #expect(splitter.rest() == "three")
            #expect(splitter.rest() == nil)
        }
    }

    @Test("The record of a running relay comes back as it was written")
    func record() {
        let record = UpRecord(pid: 7, edges: ["ws://a/v1/ws"], redis: "redis://127.0.0.1:6390", archive: "/d \"x\"")
        #expect(UpRecord(json: record.json) == record)
        #expect(UpRecord(json: ByteBuffer(string: "{}")) == nil)
    }
}
