internal import Foundation
internal import NIOCore
internal import RelayCore

/// One line of `manifest.jsonl` that says what became of closed days. The lines that closed them stay.
struct ManifestMark: Equatable {
    /// What became of them.
    enum Kind: Equatable {
        /// They were removed on purpose: only days before the one that was asked for, `2026-01-01`.
        case pruned(before: String)
        /// They are written to once more, because a rewound Redis gave late messages low ids, and will be closed again.
        case reopened
    }

    var kind: Kind
    /// The files, ascending.
    var files: [String]
    /// When, in ms by the clock of the machine.
    var milliseconds: UInt64
    /// The SHA-256 of the line before, without its line break.
    var previous: String

    /// The mark, where the bytes are the ones that `encode` writes and no others.
    static func decode(_ line: ByteBuffer) -> ManifestMark? {
        guard let fields = try? JSONDecoder().decode(Fields.self, from: Data(line.readableBytesView)) else {
            return nil
        }
        let mark: ManifestMark
        if let files = fields.pruned, let before = fields.before {
            mark = ManifestMark(
                kind: .pruned(before: before), files: files, milliseconds: fields.ts, previous: fields.previous)
        } else if let files = fields.reopened {
            mark = ManifestMark(kind: .reopened, files: files, milliseconds: fields.ts, previous: fields.previous)
        } else {
            return nil
        }
        return line.readableBytesView.elementsEqual(mark.encode().utf8) ? mark : nil
    }

    /// The line without its line break. Names of segments, days and hexadecimal digits need no escaping.
    ///
    /// Nothing else tells what the newest line said, so it ends with the SHA-256 of itself without that key.
    func encode() -> String {
        let list = files.map { "\"\($0)\"" }.joined(separator: ",")
        let end = "\"ts\":\(milliseconds),\"previous\":\"\(previous)\""
        let body =
            switch kind {
            case .pruned(let before): "{\"pruned\":[\(list)],\"before\":\"\(before)\",\(end)"
            case .reopened: "{\"reopened\":[\(list)],\(end)"
            }
        let check = Manifest.hash(ByteBuffer(string: body + "}"))
        return "\(body),\"check\":\"\(check)\"}"
    }

    private struct Fields: Decodable {
        var pruned: [String]?
        var before: String?
        var reopened: [String]?
        var ts: UInt64
        var previous: String
    }
}
