import Foundation
import NIOCore
import RelayArchive
import RelayCore
import NIOConcurrencyHelpers

/// Real files of which a copy is kept as it would be on the disk: what was never synced is lost when the power goes,
/// and a sync that failed makes the system forget what it could not write, so that the next one succeeds without it.
final class DiskModel: SegmentOpener {
    fileprivate struct Piece {
        var offset: Int
        var bytes: Data
    }

    fileprivate struct State {
        /// What is on the disk, by inode, so that a renamed file keeps it.
        var durable: [UInt64: Data] = [:]
        /// What is written and not synced.
        var dirty: [UInt64: [Piece]] = [:]
        /// Syncs until one fails; nil for none.
        var syncsLeft: Int?
        var failures = 0
    }

    private let real = FileSegmentOpener()
    fileprivate let state = NIOLockedValueBox(State())

    /// Syncs that failed.
    var failureCount: Int { state.withLockedValue { $0.failures } }

    /// After so many more syncs one fails.
    func failSync(after count: Int) { state.withLockedValue { $0.syncsLeft = count } }

    func open(_ path: String, isNew: Bool) throws(SegmentError) -> any SegmentSink {
        let sink = try real.open(path, isNew: isNew)
        let inode = Self.inode(of: path)
        if try sink.length() == 0 {
            // Perhaps the number was that of a file that is gone.
            state.withLockedValue { state in
                state.durable[inode] = nil
                state.dirty[inode] = nil
            }
        }
        return ModelledSink(sink, inode: inode, model: self)
    }

    func syncFolder(_ path: String) throws(SegmentError) { try real.syncFolder(path) }

    /// Leaves in the folder what a loss of power leaves: of every file what is on the disk, and some of what never was
    /// synced, with zeros in front of it where a part is missing.
    func cutPower(in folder: String, _ random: inout Xorshift) throws {
        try state.withLockedValue { state in
            var next = State()
            next.failures = state.failures
            for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
                let path = "\(folder)/\(name)"
                let inode = Self.inode(of: path)
                var data = state.durable[inode] ?? Data()
                for piece in state.dirty[inode] ?? [] where random.next() % 2 == 0 { data.put(piece) }
                try data.write(to: URL(filePath: path))
                next.durable[inode] = data
            }
            state = next
        }
    }

    private static func inode(of path: String) -> UInt64 {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.systemFileNumber] as? NSNumber)?.uint64Value ?? 0
    }
}

private final class ModelledSink: SegmentSink {
    private let real: any SegmentSink
    private let inode: UInt64
    private let model: DiskModel
    /// So much gets to the disk or not as a whole.
    private static let pageBytes = 100

    init(_ real: any SegmentSink, inode: UInt64, model: DiskModel) {
        self.real = real
        self.inode = inode
        self.model = model
    }

    func length() throws(SegmentError) -> UInt64 { try real.length() }

    func append(_ bytes: ByteBuffer) throws(SegmentError) {
        let offset = Int(try real.length())
        try real.append(bytes)
        let data = Data(bytes.readableBytesView)
        model.state.withLockedValue { state in
            for start in stride(from: 0, to: data.count, by: Self.pageBytes) {
                let end = min(start + Self.pageBytes, data.count)
                state.dirty[inode, default: []].append(.init(offset: offset + start, bytes: Data(data[start..<end])))
            }
        }
    }

    func sync() throws(SegmentError) {
        let length = Int(try real.length())
        let isFailing = model.state.withLockedValue { state in
            let left = state.syncsLeft
            state.syncsLeft = left.flatMap { $0 == 0 ? nil : $0 - 1 }
            let pieces = state.dirty[inode] ?? []
            state.dirty[inode] = []
            if left == 0 {
                // Clean in the system's eyes, and not on the disk: lost unless it is written again.
                state.failures += 1
                return true
            }
            var data = state.durable[inode] ?? Data()
            for piece in pieces { data.put(piece) }
            data = data.count > length ? Data(data.prefix(length)) : data + Data(count: length - data.count)
            state.durable[inode] = data
            return false
        }
        if isFailing { throw SegmentError(call: "fsync", path: "\(inode)", reason: "Input/output error") }
        try real.sync()
    }

    func truncate(to length: UInt64) throws(SegmentError) {
        try real.truncate(to: length)
        model.state.withLockedValue { state in
            state.dirty[inode] = state.dirty[inode]?.compactMap { piece in
                guard piece.offset < Int(length) else { return nil }
                return .init(offset: piece.offset, bytes: Data(piece.bytes.prefix(Int(length) - piece.offset)))
            }
            // What is appended later must not meet what was cut off.
            if let data = state.durable[inode], data.count > Int(length) {
                state.durable[inode] = Data(data.prefix(Int(length)))
            }
        }
    }

    func read(at offset: UInt64, count: Int) throws(SegmentError) -> ByteBuffer {
        try real.read(at: offset, count: count)
    }

    func close() { real.close() }
}

extension Data {
    fileprivate mutating func put(_ piece: DiskModel.Piece) {
        let end = piece.offset + piece.bytes.count
        if count < end { self += Data(count: end - count) }
        replaceSubrange(piece.offset..<end, with: piece.bytes)
    }
}
