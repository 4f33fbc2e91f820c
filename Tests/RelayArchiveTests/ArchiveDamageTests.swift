import Foundation
import NIOCore
import RelayCore
import RelayTestKit
import Testing

@testable import RelayArchive

@Suite("Damage to an archive", .timeLimit(.minutes(20)))
struct ArchiveDamageTests {
    /// Bytes of an open day whose change no rule can tell: what was said and by whom. The hash of a closed day does.
    private static func content(of data: Data) -> IndexSet {
        var content = IndexSet()
        for line in data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            for key in ["\"user\":\"", "\"name\":\"", "\"text\":\""] {
                guard let range = line.range(of: Data(key.utf8)),
                    let end = line[range.upperBound...].firstIndex(of: UInt8(ascii: "\""))
                else { continue }
                content.insert(integersIn: range.upperBound..<end)
            }
        }
        return content
    }

    /// Every fifth byte is cut at, and every byte has one of its bits flipped, a different one from byte to byte; with
    /// `MARTLET_TEST_THOROUGH=1` each is, and each bit.
    private static let isThorough = ProcessInfo.processInfo.environment["MARTLET_TEST_THOROUGH"] == "1"

    @Test("Every single bit of every file, flipped, is found, but for words of the day that is not closed yet")
    func everyBit() throws {
        let small = try SmallArchive()
        _ = try small.prune(before: "2026-11-22")
        #expect(try small.verify().findings.isEmpty)
        let files = try FileManager.default.contentsOfDirectory(atPath: small.folder).sorted()
        #expect(
            files == SmallArchive.files.dropFirst() + [SmallArchive.openFile, "manifest.jsonl", "room.json"])
        var flips = 0
        for file in files {
            let sound = try small.data(file)
            let harmless = file == SmallArchive.openFile ? Self.content(of: sound) : IndexSet()
            for index in sound.indices {
                for bit in Self.isThorough ? 0...7 : index % 8...index % 8 where !harmless.contains(index) {
                    var flipped = sound
                    flipped[index] ^= 1 << UInt8(bit)
                    try small.write(flipped, to: file)
                    flips += 1
                    // Without its line break the last line of an open day may be one that is still being written.
                    if file == SmallArchive.openFile, index == sound.count - 1 { continue }
                    #expect(
                        try !small.verify().findings.isEmpty, "\(file), byte \(index), bit \(bit)")
                }
            }
            try small.write(sound, to: file)
        }
        #expect(flips > (Self.isThorough ? 15_000 : 2000))
        #expect(try small.verify().findings.isEmpty)
    }

    @Test(
        "Every file cut at every byte is found; at the end of a day that is not closed only inside of a line it is not")
    func everyCut() throws {
        let small = try SmallArchive()
        let files = try FileManager.default.contentsOfDirectory(atPath: small.folder).sorted()
        for file in files where file != SmallArchive.openFile {
            let sound = try small.data(file)
            for length in stride(from: 0, to: sound.count, by: Self.isThorough ? 1 : 5) {
                try small.write(sound.prefix(length), to: file)
                #expect(try !small.verify().findings.isEmpty, "\(file) cut to \(length) bytes")
            }
            try small.write(sound, to: file)
        }
    }

    @Test("A removed line, two changed places and a line said twice are named, wherever they are")
    func lines() throws {
        let small = try SmallArchive()
        for file in SmallArchive.files + ["manifest.jsonl"] {
            let sound = try small.data(file)
            let count = try small.lines(file).count
            for index in 0..<count {
                try small.edit(file) { $0.remove(at: index) }
                #expect(try small.verify().findings.contains { $0.place.contains(file) || index == count - 1 })
                #expect(try !small.verify().findings.isEmpty, "\(file) without line \(index + 1)")
                try small.write(sound, to: file)
                try small.edit(file) { $0.insert($0[index], at: index) }
                #expect(try small.verify().findings.contains { $0.place.contains(file) }, "\(file) line \(index) twice")
                try small.write(sound, to: file)
            }
            for index in 1..<max(2, count) where count > 1 {
                try small.edit(file) { $0.swapAt(index - 1, index) }
                #expect(try small.verify().findings.contains { $0.place.contains(file) }, "\(file) line \(index) moved")
                try small.write(sound, to: file)
            }
        }
    }

    @Test("Every file that is removed, and every two that changed places, are named")
    func files() throws {
        let small = try SmallArchive()
        for file in SmallArchive.files {
            let sound = try small.data(file)
            try small.remove(file)
            #expect(
                try small.verify().findings.map(\.description) == ["general/\(file): missing: the manifest closes it"])
            for other in SmallArchive.files + [SmallArchive.openFile] where other != file {
                let second = try small.data(other)
                try small.write(second, to: file)
                try small.write(sound, to: other)
                let places = try small.verify().findings.map(\.place)
                #expect(places.contains { $0.contains(file) } && places.contains { $0.contains(other) })
                try small.write(second, to: other)
            }
            try small.write(sound, to: file)
        }
        try small.remove("manifest.jsonl")
        #expect(try small.verify().findings.count == 4)
    }

    @Test("A forged gap line is named where it hides nothing, too much or too little, or stands in a closed day")
    func forgedGaps() throws {
        func gap(_ from: UInt64, _ to: UInt64, _ reason: ArchiveGap.Reason) -> String {
            ArchiveLineCoder.encode(
                ArchiveGap(fromSeq: from, toSeq: to, reason: reason, milliseconds: 9), room: Frames.room)
        }
        let small = try SmallArchive()
        let file = SmallArchive.openFile
        let sound = try small.data(file)
        // In front of number 13, which follows on 12.
        for (from, to) in [(13, 13), (12, 12), (1, 12), (14, 20), (13, 14), (5, 4)] as [(UInt64, UInt64)] {
            for reason in [.trimmed, .missing, .unreadable, .rewound] as [ArchiveGap.Reason] {
                try small.edit(file) { $0.insert(gap(from, to, reason), at: 0) }
                #expect(try !small.verify().findings.isEmpty, "\(from) to \(to), \(reason)")
                try small.write(sound, to: file)
            }
        }
        // It may say what is true, that nothing is missing; and it is told.
        try small.edit(file) { $0.insert(gap(13, 12, .rewound), at: 0) }
        #expect(try small.verify().findings.isEmpty)
        #expect(try small.verify().recordedGaps.count == 2)
        // In place of a message that it hides: only where no hash proves the day.
        let closed = try small.data("2026-11-23.jsonl")
        try small.edit("2026-11-23.jsonl") { $0[$0.count - 1] = gap(9, 9, .missing) }
        #expect(try small.verify().findings.contains { $0.problem.hasPrefix("changed since it was closed") })
        try small.write(closed, to: "2026-11-23.jsonl")
        #expect(try small.verify().findings.isEmpty)
    }

    @Test("A damaged line of the manifest stays named, and neither stops the archiver nor breaks what follows")
    func damagedManifest() throws {
        let small = try SmallArchive()
        try small.edit("manifest.jsonl") { $0[1] = $0[1].replacing("\"lines\"", with: "\"Lines\"") }
        let archive = try small.reopened()
        let next = Frames.frame(14, at: Frames.midnight + 6 * SmallArchive.day)
        _ = try archive.append(SmallArchive.batch([next]))
        _ = try archive.close(through: Frames.midnight + 7 * SmallArchive.day)
        let findings = try small.verify().findings.map(\.description)
        #expect(
            findings == [
                "general/manifest.jsonl: line 2 is no manifest entry",
                "general/manifest.jsonl: line 3 does not follow on the line before it: one is missing or changed",
            ])
    }

    @Test("A record that was changed is not believed, and one of an earlier version is")
    func record() throws {
        let small = try SmallArchive()
        let reader = ArchiveReader(directory: small.directory)
        #expect(try reader.record(of: Frames.room)?.name == "General")
        let sound = try small.data("room.json")
        let text = String(decoding: sound, as: UTF8.self)
        try small.write(Data(text.replacing("\"private\":false", with: "\"private\":true").utf8), to: "room.json")
        #expect(try reader.record(of: Frames.room) == nil)
        #expect(try small.reopened().isRecordDamaged)
        let plain = text.replacing(/"check":"[0-9a-f]+",/, with: "")
        try small.write(Data(plain.utf8), to: "room.json")
        #expect(try reader.record(of: Frames.room)?.createdAt == 5)
        #expect(try small.verify().findings.isEmpty)
    }
}
