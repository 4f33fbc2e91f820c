import NIOCore
import RelayCore
import RelayWire

@testable import RelayArchive

/// What must hold of the archive's files, whatever a disk has made of them.
enum ArchiveProperties {
    static func check(_ bytes: [UInt8]) throws {
        let lines = wholeLines(of: bytes)
        for line in lines + [Array(bytes.suffix(from: lines.reduce(0) { $0 + $1.count + 1 }))] {
            try judgeLine(line)
        }
        try judgeTail(bytes)
        try judgeDigest(bytes, lines)
        try judgeManifest(bytes)
        try judgeSearch(lines)
    }

    private static func wholeLines(of bytes: [UInt8]) -> [[UInt8]] {
        bytes.split(separator: 10, omittingEmptySubsequences: false).dropLast().map(Array.init)
    }

    /// What a line says is what is written for it.
    private static func judgeLine(_ line: [UInt8]) throws {
        let buffer = ByteBuffer(bytes: line)
        try require(ArchiveLineCoder.decode(buffer) == ArchiveLineCoder.decode(.amidOthers(line)), "bytes around it")
        switch ArchiveLineCoder.decode(buffer) {
        case .message(let position):
            if let message = try? ServerFrameDecoder.message(from: buffer).message {
                try require(message.id == position.id && message.seq == position.seq, "the message is another one")
            }
        case .gap(let gap):
            guard let room = RoomID("general") else { return }
            let written = ByteBuffer(string: ArchiveLineCoder.encode(gap, room: room))
            try require(ArchiveLineCoder.decode(written) == .gap(gap), "a gap line that says something else")
        case .unknown: break
        }
        switch ManifestLine(buffer) {
        case .closed(let entry): try require(Array(entry.encode().utf8) == line, "an entry of other bytes")
        case .mark(let mark): try require(Array(mark.encode().utf8) == line, "a mark of other bytes")
        case .unreadable: break
        }
    }

    /// What is cut off is cut off once, and what is torn behind it changes nothing.
    private static func judgeTail(_ bytes: [UInt8]) throws {
        let tail = try SegmentTail.read(MemorySink(bytes))
        try require(tail.length + tail.surplus == UInt64(bytes.count), "bytes are missing: \(tail)")
        try require((tail.last == nil) == (tail.length == 0), "a tail without a message: \(tail)")
        let kept = Array(bytes.prefix(Int(tail.length)))
        try require(kept.isEmpty || kept.last == 10, "it ends within a line")
        let again = try SegmentTail.read(MemorySink(kept))
        try require(again == SegmentTail(last: tail.last, length: tail.length, surplus: 0), "cut again: \(again)")
        let torn = try SegmentTail.read(MemorySink(kept + Array("{\"id\":\"9-9\",\"seq\":9,\"ts\":".utf8)))
        try require(torn.last == tail.last && torn.length == tail.length, "a torn line moves it: \(torn)")
    }

    private static func judgeDigest(_ bytes: [UInt8], _ lines: [[UInt8]]) throws {
        var seen = 0
        let digest = try SegmentDigest(MemorySink(bytes)) { _, line, number in
            if line != nil { seen += 1 }
        }
        try require(seen == lines.count && digest.bytes == UInt64(bytes.count), "not all of it was counted")
        try require(digest.sha256 == Manifest.hash(ByteBuffer(bytes: bytes)), "another hash")
    }

    /// A torn last line changes nothing, and a line that is written to it is read.
    private static func judgeManifest(_ bytes: [UInt8]) throws {
        let manifest = Manifest(ByteBuffer(bytes: bytes))
        let length = (bytes.lastIndex(of: 10) ?? -1) + 1
        try require(manifest.length == UInt64(length), "\(manifest.length) of \(length) bytes")
        try require(manifest == Manifest(ByteBuffer(bytes: bytes[..<length])), "a torn line changes it")
        var longer = manifest
        let line = longer.appending(.reopened, manifest.days.keys.sorted(), at: 7)
        let again = Manifest(ByteBuffer(bytes: Array(bytes[..<length]) + Array(line.readableBytesView)))
        try require(again == longer, "it is another one when read back")
        try require(again.flaws.count == manifest.flaws.count, "a line of its own is a flaw")
    }

    /// Of lines whose ids ascend, the search by halves finds what a walk finds.
    private static func judgeSearch(_ lines: [[UInt8]]) throws {
        var kept: [UInt8] = []
        var frames: [StoredFrame] = []
        for line in lines {
            let buffer = ByteBuffer(bytes: line)
            if case .message(let position) = ArchiveLineCoder.decode(buffer) {
                if let last = frames.last, last.id >= position.id { continue }
                frames.append(StoredFrame(id: position.id, seq: position.seq, envelope: buffer))
            }
            kept += line + [10]
        }
        let file = try SegmentFile(MemorySink(kept))
        try require(try file.frames(from: 0, limit: .max) == frames, "not every message is read")
        for frame in frames.prefix(8) {
            try require(try file.holds(frame.id), "\(frame.id) is not found")
            let offset = try file.offset(of: frame.id)
            let before = try file.frames(before: offset, limit: 3)
            try require(before == Array(frames.filter { $0.id < frame.id }.suffix(3)), "others before \(frame.id)")
            // Above the greatest id there is none.
            guard frame.id.next > frame.id else { continue }
            let behind = try file.frames(from: try file.offset(of: frame.id.next), limit: 2)
            try require(behind == Array(frames.filter { $0.id > frame.id }.prefix(2)), "others behind \(frame.id)")
        }
    }
}
