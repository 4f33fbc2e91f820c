import NIOCore
import RelayArchive
import RelayCore
import NIOConcurrencyHelpers

/// Real files whose calls fail on demand: a write after part of its bytes, an fsync after all of them.
final class FaultySinks: SegmentOpener {
    enum Fault: Equatable {
        case write
        case sync
        case folder
    }

    private let real = FileSegmentOpener()
    private let fault = NIOLockedValueBox<Fault?>(nil)
    private let failures = NIOLockedValueBox(0)

    /// Called before each sync of a day's file, on the thread that syncs it.
    let syncing = NIOLockedValueBox<(@Sendable (_ path: String) -> Void)?>(nil)

    func fail(_ kind: Fault?) { fault.withLockedValue { $0 = kind } }
    var failureCount: Int { failures.withLockedValue { $0 } }

    /// The bytes of a file that were there when a sync of it last returned.
    func syncedBytes(_ path: String) -> UInt64 { synced.withLockedValue { $0[path] ?? 0 } }
    private let synced = NIOLockedValueBox<[String: UInt64]>([:])

    fileprivate func synced(_ path: String, _ bytes: UInt64) { synced.withLockedValue { $0[path] = bytes } }

    func open(_ path: String, isNew: Bool) throws(SegmentError) -> any SegmentSink {
        FaultySink(try real.open(path, isNew: isNew), owner: self, path: path)
    }

    func syncFolder(_ path: String) throws(SegmentError) {
        try check(.folder, path + "/.jsonl")
        try real.syncFolder(path)
    }

    fileprivate func check(_ kind: Fault, _ path: String) throws(SegmentError) {
        guard path.hasSuffix(".jsonl"), fault.withLockedValue({ $0 }) == kind else { return }
        failures.withLockedValue { $0 += 1 }
        throw SegmentError(call: "\(kind)", path: path, reason: "No space left on device")
    }
}

private final class FaultySink: SegmentSink {
    private let real: any SegmentSink
    private let owner: FaultySinks
    private let path: String

    init(_ real: any SegmentSink, owner: FaultySinks, path: String) {
        self.real = real
        self.owner = owner
        self.path = path
    }

    func length() throws(SegmentError) -> UInt64 { try real.length() }

    func append(_ bytes: ByteBuffer) throws(SegmentError) {
        do { try owner.check(.write, path) } catch {
            // Like a full disk: some of it gets in.
            try real.append(bytes.getSlice(at: bytes.readerIndex, length: bytes.readableBytes / 2) ?? bytes)
            throw error
        }
        try real.append(bytes)
    }

    func sync() throws(SegmentError) {
        if path.hasSuffix(".jsonl"), let syncing = owner.syncing.withLockedValue({ $0 }) { syncing(path) }
        try owner.check(.sync, path)
        let bytes = try real.length()
        try real.sync()
        owner.synced(path, bytes)
    }

    func truncate(to length: UInt64) throws(SegmentError) { try real.truncate(to: length) }
    func read(at offset: UInt64, count: Int) throws(SegmentError) -> ByteBuffer {
        try real.read(at: offset, count: count)
    }
    func close() { real.close() }
}
