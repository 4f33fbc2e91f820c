public import NIOCore

/// A message as it travels: its place in the room and the bytes of its envelope, built once and never again.
public struct StoredFrame: Sendable, Equatable {
    /// The entry ID.
    public let id: MessageID
    /// The number in the room.
    public let seq: UInt64
    /// The JSON object of the contract, the same bytes live, in history and in the archive.
    public let envelope: ByteBuffer

    /// A frame of the given parts.
    public init(id: MessageID, seq: UInt64, envelope: ByteBuffer) {
        self.id = id
        self.seq = seq
        self.envelope = envelope
    }
}
