internal import Crypto
internal import NIOCore
internal import RelayCore

/// What a manifest says of a segment, counted from its bytes.
struct SegmentDigest {
    private(set) var first: ArchivePosition?
    private(set) var last: ArchivePosition?
    private(set) var lines: UInt64 = 0
    private(set) var bytes: UInt64 = 0
    private(set) var sha256 = ""

    private static let chunkBytes = 1 << 20

    /// Reads the whole file. `visit` sees every line, without its line break, with its number, counted from 1; nil
    /// instead of a last line that has none.
    init(
        _ sink: any SegmentSink, visit: (ArchiveLineHead, ByteBuffer?, UInt64) -> Void = { _, _, _ in }
    ) throws(SegmentError) {
        var hash = SHA256()
        var pending = ByteBuffer()
        while true {
            var chunk = try sink.read(at: bytes, count: Self.chunkBytes)
            guard chunk.readableBytes > 0 else { break }
            // The hash has read the bytes when the closure ends.
            unsafe chunk.withUnsafeReadableBytes { unsafe hash.update(bufferPointer: $0) }
            bytes += UInt64(chunk.readableBytes)
            pending.writeBuffer(&chunk)
            while let line = pending.readLine() {
                lines += 1
                let head = ArchiveLineCoder.decode(line)
                if case .message(let position) = head {
                    first = first ?? position
                    last = position
                }
                visit(head, line, lines)
            }
            pending.discardReadBytes()
        }
        sha256 = Manifest.hexadecimal(hash.finalize())
        if pending.readableBytes > 0 {
            lines += 1
            visit(.unknown, nil, lines)
        }
    }
}

extension SegmentDigest {
    /// The line that closes the segment; nil where it holds no message.
    func entry(of file: String, previous: String) -> ManifestEntry? {
        guard let first, let last else { return nil }
        return ManifestEntry(
            file: file, firstID: first.id.description, lastID: last.id.description, firstSeq: first.seq,
            lastSeq: last.seq, lines: lines, bytes: bytes, sha256: sha256, previous: previous)
    }
}
