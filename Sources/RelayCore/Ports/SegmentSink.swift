public import NIOCore

/// One open file of the archive, as its writer sees it: real, or in a test one that fails.
///
/// A sink has one owner; nothing else writes to the file while it is open.
public protocol SegmentSink: AnyObject {
    /// Bytes in the file now, synced or not.
    func length() throws(SegmentError) -> UInt64

    /// Writes all of it at the end, also where the system takes it in pieces. What a failed append left behind is
    /// unknown: cut back to the last synced length before anything else.
    func append(_ bytes: ByteBuffer) throws(SegmentError)

    /// Returns when all that was appended would survive a loss of power.
    func sync() throws(SegmentError)

    /// Cuts the file off.
    func truncate(to length: UInt64) throws(SegmentError)

    /// At most `count` bytes from `offset` on; fewer only at the end of the file.
    func read(at offset: UInt64, count: Int) throws(SegmentError) -> ByteBuffer

    /// Closes the file. What was not synced may be lost.
    func close()
}

/// Where sinks come from.
public protocol SegmentOpener: Sendable {
    /// Opens the file for reading and appending. With `isNew` it is made, together with its entry in the folder, where
    /// it does not exist; without, a file that is missing is an error.
    func open(_ path: String, isNew: Bool) throws(SegmentError) -> any SegmentSink

    /// Returns when the names in the folder would survive a loss of power.
    func syncFolder(_ path: String) throws(SegmentError)
}

/// A call to the file system that failed.
public struct SegmentError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was tried: `write`, `fsync`, …
    public var call: String
    /// On which path.
    public var path: String
    /// What the system said.
    public var reason: String
    /// The system's number for it, of errno.h; nil where it is not the system that says so.
    public var code: Int32?

    /// An error of the given parts.
    public init(call: String, path: String, reason: String, code: Int32? = nil) {
        self.call = call
        self.path = path
        self.reason = reason
        self.code = code
    }

    /// One line for the log.
    public var description: String { "\(call) \(path): \(reason)" }
}
