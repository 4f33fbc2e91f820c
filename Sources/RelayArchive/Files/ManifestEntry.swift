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

    /// Where the day begins, and where it ends; nil where these are no ids.
    var span: (first: ArchivePosition, last: ArchivePosition)? {
        guard let first = MessageID(firstID), let last = MessageID(lastID) else { return nil }
        return (ArchivePosition(id: first, seq: firstSeq), ArchivePosition(id: last, seq: lastSeq))
    }

    /// The entry, where the bytes are the ones that `encode` writes and no others.
    static func decode(_ line: ByteBuffer) -> ManifestEntry? {
        guard let entry = try? JSONDecoder().decode(ManifestEntry.self, from: Data(line.readableBytesView)),
            line.readableBytesView.elementsEqual(entry.encode().utf8)
        else { return nil }
        return entry
    }

    /// The line without its line break, the keys in the order of the contract. Nothing in it needs escaping: names of
    /// segments, ids, numbers and hexadecimal digits.
    func encode() -> String {
        "{\"file\":\"\(file)\",\"first_id\":\"\(firstID)\",\"last_id\":\"\(lastID)\",\"first_seq\":\(firstSeq),"
            + "\"last_seq\":\(lastSeq),\"lines\":\(lines),\"bytes\":\(bytes),\"sha256\":\"\(sha256)\","
            + "\"previous\":\"\(previous)\"}"
    }
}
