import Foundation
import NIOCore
import RelayCore
import RelayTestKit
import Testing

@testable import RelayArchive

@Suite("Files that were taken from a room's folder")
struct TakenFilesTests {
    private static let ownerMissing =
        "room.json is missing: whose room the files are is not known any more, and no edge serves them"
    private static let ownerUnknown = ownerMissing.replacing("is missing", with: "does not say when the room was made")
    private static let proofMissing =
        "manifest.jsonl is missing: days that are over are closed as they are now, whatever they were before"

    @Test("Whose room it is is asked for at every start, the proof of its days at the first")
    func taken() async throws {
        let bench = try WorkerBench()
        func said() -> [Int] {
            [Self.ownerMissing, Self.ownerUnknown, Self.proofMissing].map { bench.log.count(of: $0) }
        }
        await bench.streams.post((1...3).map { Frames.frame($0) })
        try await bench.run { _ in
            try await bench.archived(upTo: Frames.position(3))
            await bench.streams.setClock(Frames.midnight + 86_400_000)
            try await eventually("the day is closed") { bench.lines("manifest.jsonl").count == 1 }
            let next = Frames.frame(4, at: Frames.midnight + 86_400_001)
            await bench.streams.post([next])
            try await bench.archived(upTo: ArchivePosition(id: next.id, seq: 4))
        }
        try await bench.run { worker in
            try await eventually("all is as it was") { await worker.counters.rooms == 1 }
        }
        #expect(said() == [0, 0, 0])
        for name in ["room.json", "manifest.jsonl"] {
            try FileManager.default.removeItem(atPath: "\(bench.directory)/general/\(name)")
        }
        for expected in [[1, 0, 1], [1, 1, 1]] {
            try await bench.run { _ in
                try await eventually("\(said()) said, and not \(expected)") { said() == expected }
                try await eventually("it is closed") { bench.lines("manifest.jsonl").count == 1 }
                try await eventually("it is written") { bench.lines("room.json").count == 1 }
            }
        }
    }

    @Test(
        "A file that cannot be replaced leaves nothing half written behind it, which a full disk would have no room for"
    )
    func replacing() throws {
        let small = try SmallArchive()
        let before = try FileManager.default.contentsOfDirectory(atPath: small.folder).sorted()
        let full = SegmentError(call: "write", path: "manifest.jsonl", reason: "No space left on device")
        #expect(throws: full) {
            try WholeFile.replace("manifest.jsonl", in: small.folder, opener: FileSegmentOpener()) {
                (sink) throws(SegmentError) in
                try sink.append(ByteBuffer(string: "{"))
                throw full
            }
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: small.folder).sorted() == before)
        #expect(try small.verify().findings.isEmpty)
    }
}
