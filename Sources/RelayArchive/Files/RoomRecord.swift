internal import Foundation
internal import NIOCore
internal import RelayCore

/// `room.json`: whose room a folder is, and where the archiver knows its epoch to be.
public struct RoomRecord: Sendable, Equatable, Codable {
    /// The room's id.
    public var room: String
    /// When the room was created, in ms. Never changed once written: a room made again under the same name does not
    /// inherit these files.
    public var createdAt: UInt64?
    /// Whether the room is for its members alone.
    public var isPrivate: Bool
    /// The members of a private room, sorted.
    public var members: [String]
    /// The epoch of the room's counter when the archiver last found everything in order.
    public var epoch: UInt64?
    /// The last rewind that was settled.
    public var rewind: Rewind?

    /// A settled rewind, as it is written down.
    public struct Rewind: Sendable, Equatable, Codable {
        /// The room's epoch since.
        public var epoch: UInt64
        /// The last archived id at that time.
        public var id: String
        /// Its number.
        public var seq: UInt64
        /// To where the counter was raised.
        public var raisedSeq: UInt64

        enum CodingKeys: String, CodingKey {
            case epoch, id, seq
            case raisedSeq = "raised_seq"
        }
    }

    enum CodingKeys: String, CodingKey {
        case room
        case createdAt = "created_at"
        case isPrivate = "private"
        case members, epoch
        case rewind = "rewound"
    }

    static let fileName = "room.json"

    /// The record of a room that is archived for the first time.
    init(room: RoomID, standing: ArchiveStanding) {
        self.room = room.description
        createdAt = standing.createdAt
        isPrivate = standing.isPrivate
        members = []
    }

    /// The settled rewind as the machine knows it; nil where there is none that can be read.
    var marker: RewindMarker? {
        get {
            guard let rewind, let id = MessageID(rewind.id) else { return nil }
            let position = ArchivePosition(id: id, seq: rewind.seq)
            return RewindMarker(epoch: rewind.epoch, position: position, raisedSeq: rewind.raisedSeq)
        }
        set {
            rewind = newValue.map {
                Rewind(
                    epoch: $0.epoch, id: $0.position.id.description, seq: $0.position.seq, raisedSeq: $0.raisedSeq)
            }
        }
    }

    /// Reads a record; nil where the bytes are none.
    static func decode(_ bytes: ByteBuffer) -> RoomRecord? {
        try? JSONDecoder().decode(RoomRecord.self, from: Data(bytes.readableBytesView))
    }

    /// One line of JSON.
    func encode(path: String) throws(SegmentError) -> ByteBuffer {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            var bytes = ByteBuffer(bytes: try encoder.encode(self))
            bytes.writeInteger(ArchiveLineCoder.newline)
            return bytes
        } catch {
            throw SegmentError(call: "encode", path: path, reason: "\(error)")
        }
    }
}
