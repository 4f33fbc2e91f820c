internal import Crypto
internal import NIOCore
internal import RelayCore

/// What a line of a manifest says.
enum ManifestLine: Equatable {
    /// A day is over.
    case closed(ManifestEntry)
    /// What became of days that were over.
    case mark(ManifestMark)
    /// Nothing that was written here; it stays in the chain, so that what follows can be proven.
    case unreadable

    init(_ line: ByteBuffer) {
        if let entry = ManifestEntry.decode(line) {
            self = .closed(entry)
        } else if let mark = ManifestMark.decode(line) {
            self = .mark(mark)
        } else {
            self = .unreadable
        }
    }

    /// The hash of the line before; nil where the line does not say.
    var previous: String? {
        switch self {
        case .closed(let entry): entry.previous
        case .mark(let mark): mark.previous
        case .unreadable: nil
        }
    }
}

/// The manifest of one room as it stands.
struct Manifest: Equatable {
    static let fileName = "manifest.jsonl"

    /// A day by the last line that names it.
    struct Day: Equatable {
        enum State: Equatable {
            case closed, pruned, reopened
        }

        /// As it was closed last.
        var entry: ManifestEntry
        var state: State
    }

    /// A line that is none, or that does not follow on the one before it.
    struct Flaw: Equatable {
        /// Counted from 1.
        var line: Int
        var problem: String
    }

    /// By file.
    private(set) var days: [String: Day] = [:]
    /// What is wrong with it.
    private(set) var flaws: [Flaw] = []
    /// The hash of the last line.
    private(set) var lastHash = ""
    /// Where the last whole line ends.
    private(set) var length: UInt64 = 0
    private var lineCount = 0

    /// A manifest without lines.
    init() {}

    /// Reads whole lines up to a torn one.
    init(_ bytes: ByteBuffer) {
        var rest = bytes
        while let line = rest.readLine() { take(line) }
    }

    /// The end of the newest day that has a line; nil where none has. What is below it has been archived.
    var end: ArchivePosition? {
        days.values.compactMap { $0.entry.span?.last }.max { $0.id < $1.id }
    }

    /// What became of the day; nil where no line closes it.
    func state(of segment: Segment) -> Day.State? { days[segment.fileName]?.state }

    private mutating func take(_ line: ByteBuffer) {
        lineCount += 1
        let content = ManifestLine(line)
        if let previous = content.previous, previous != lastHash {
            flaw("does not follow on the line before it: one is missing or changed")
        }
        switch content {
        case .closed(let entry):
            days[entry.file] = Day(entry: entry, state: .closed)
        case .mark(let mark):
            for file in mark.files where days[file] == nil { flaw("names \(file), which no line closes") }
            for file in mark.files { days[file]?.state = mark.kind == .reopened ? .reopened : .pruned }
        case .unreadable:
            flaw("is no manifest entry")
        }
        lastHash = Self.hash(line)
        length += UInt64(line.readableBytes) + 1
    }

    private mutating func flaw(_ problem: String) { flaws.append(Flaw(line: lineCount, problem: problem)) }

    /// The line, with its line break, that closes a segment; the manifest then ends with it.
    mutating func appending(_ digest: SegmentDigest, of segment: Segment) throws(SegmentError) -> ByteBuffer {
        guard let entry = digest.entry(of: segment.fileName, previous: lastHash) else {
            throw SegmentError(call: "close", path: segment.fileName, reason: "the segment holds no message")
        }
        return appending(entry.encode())
    }

    /// The line, with its line break, that says what became of files; the manifest then ends with it.
    mutating func appending(
        _ kind: ManifestMark.Kind, _ files: [String], at milliseconds: UInt64
    ) -> ByteBuffer {
        let mark = ManifestMark(kind: kind, files: files, milliseconds: milliseconds, previous: lastHash)
        return appending(mark.encode())
    }

    private mutating func appending(_ text: String) -> ByteBuffer {
        var line = ByteBuffer(string: text)
        take(line)
        line.writeInteger(ArchiveLineCoder.newline)
        return line
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
