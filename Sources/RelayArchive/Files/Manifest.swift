internal import Crypto
internal import Foundation
internal import NIOCore
internal import RelayCore

/// One line of `manifest.jsonl`: a day that is over, and the hash that ties it to the days before.
struct ManifestEntry: Codable, Equatable {
    var file: String
    var firstID: String
    var lastID: String
    var firstSeq: UInt64
    var lastSeq: UInt64
    var lines: UInt64
    var bytes: UInt64
    var sha256: String
    /// The SHA-256 of the line before, without its line break; empty in the first line.
    var previous: String

    enum CodingKeys: String, CodingKey {
        case file
        case firstID = "first_id"
        case lastID = "last_id"
        case firstSeq = "first_seq"
        case lastSeq = "last_seq"
        case lines, bytes, sha256, previous
    }

    static func decode(_ line: ByteBuffer) -> ManifestEntry? {
        try? JSONDecoder().decode(ManifestEntry.self, from: Data(line.readableBytesView))
    }

    /// The line without its line break, the keys in the order of the contract. Nothing in it needs escaping: names of
    /// segments, ids, numbers and hexadecimal digits.
    func encode() -> String {
        "{\"file\":\"\(file)\",\"first_id\":\"\(firstID)\",\"last_id\":\"\(lastID)\",\"first_seq\":\(firstSeq),"
            + "\"last_seq\":\(lastSeq),\"lines\":\(lines),\"bytes\":\(bytes),\"sha256\":\"\(sha256)\","
            + "\"previous\":\"\(previous)\"}"
    }
}

/// The manifest of one room as it stands.
struct Manifest: Equatable {
    static let fileName = "manifest.jsonl"

    /// The entries, in the order of the lines.
    var entries: [ManifestEntry] = []
    /// The hash of the last line.
    var lastHash = ""
    /// Where the last whole line ends.
    var length: UInt64 = 0

    /// The files that are closed.
    var closed: Set<String> { Set(entries.map(\.file)) }

    /// Reads whole lines up to a torn one.
    init(_ bytes: ByteBuffer) throws(SegmentError) {
        var rest = bytes
        while let line = rest.readLine() {
            guard let entry = ManifestEntry.decode(line) else {
                throw SegmentError(
                    call: "read", path: Self.fileName, reason: "line \(entries.count + 1) is no manifest entry")
            }
            entries.append(entry)
            lastHash = Self.hash(line)
            length += UInt64(line.readableBytes) + 1
        }
    }

    /// SHA-256 of the bytes, in lower-case hexadecimal digits.
    static func hash(_ bytes: ByteBuffer) -> String {
        var hash = SHA256()
        unsafe bytes.withUnsafeReadableBytes { unsafe hash.update(bufferPointer: $0) }
        return hexadecimal(hash.finalize())
    }

    static func hexadecimal(_ digest: SHA256.Digest) -> String {
        digest.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
}

extension ByteBuffer {
    /// Takes one line without its line break; nil, and nothing taken, where no whole line is left.
    mutating func readLine() -> ByteBuffer? {
        guard let end = readableBytesView.firstIndex(of: ArchiveLineCoder.newline),
            let line = readSlice(length: end - readerIndex)
        else { return nil }
        moveReaderIndex(forwardBy: 1)
        return line
    }
}

extension Manifest {
    /// The line, with its line break, that closes a segment; the manifest then ends with it.
    mutating func appending(_ digest: SegmentDigest, of segment: Segment) throws(SegmentError) -> ByteBuffer {
        guard let first = digest.first, let last = digest.last else {
            throw SegmentError(call: "close", path: segment.fileName, reason: "the segment holds no message")
        }
        let entry = ManifestEntry(
            file: segment.fileName, firstID: first.id.description, lastID: last.id.description, firstSeq: first.seq,
            lastSeq: last.seq, lines: digest.lines, bytes: digest.bytes, sha256: digest.sha256, previous: lastHash)
        var line = ByteBuffer(string: entry.encode())
        entries.append(entry)
        lastHash = Self.hash(line)
        line.writeInteger(ArchiveLineCoder.newline)
        length += UInt64(line.readableBytes)
        return line
    }
}
