internal import Crypto
internal import Foundation
internal import NIOCore
internal import RelayCore

/// `room.json`: whose room a folder is, and where the archiver knows its epoch to be.
public struct RoomRecord: Sendable, Equatable, Codable {
    /// The room's id.
    public var room: String
    /// The room's name as people see it; nil where nobody said.
    public var name: String?
    /// Who made the room; nil where nobody said.
    public var createdBy: String?
    /// What the room is about; nil where nobody said.
    public var topic: String?
    /// When the room was created, in ms: only a room that was created then is given its files to read. Nil where nobody
    /// can tell any more.
    public var createdAt: UInt64?
    /// Whether the room is for its members alone.
    public var isPrivate: Bool
    /// The members of a private room, sorted.
    public var members: [String]
    /// The epoch of the room's counter when the archiver last found everything in order.
    public var epoch: UInt64?
    /// The last rewind that was settled.
    public var rewind: Rewind?
    /// The rooms that had this id before, oldest first: each has the messages up to its end, the room itself the rest.
    /// Nil where there was none.
    public var former: [FormerRoom]?

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
        case room, name, topic
        case createdBy = "created_by"
        case createdAt = "created_at"
        case isPrivate = "private"
        case members, epoch, former
        case rewind = "rewound"
    }

    static let fileName = "room.json"

    /// The record of a room that is archived for the first time.
    init(room: RoomID, standing: ArchiveStanding) {
        self.room = room.description
        (name, createdBy, topic) = (standing.name, standing.createdBy, standing.topic)
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

    /// Reads a record; nil where the bytes are none, or are not what was written: a flipped bit must not make a private
    /// room public. Records of earlier versions have no check in them.
    static func decode(_ bytes: ByteBuffer) -> RoomRecord? {
        let record = try? JSONDecoder().decode(RoomRecord.self, from: Data(bytes.readableBytesView))
        guard let record else { return nil }
        guard bytes.readableBytesView.starts(with: checkKey.utf8) else { return record }
        return record.isWritten(as: bytes) ? record : nil
    }

    /// Whether the bytes are those of this record, as it is written now or was before it had a check.
    func isWritten(as bytes: ByteBuffer) -> Bool {
        guard let body = try? body() else { return false }
        let plain = body + [ArchiveLineCoder.newline]
        return bytes.readableBytesView.elementsEqual(Self.checked(body))
            || bytes.readableBytesView.elementsEqual(plain)
    }

    /// One line of JSON that begins with the SHA-256 of itself without that key.
    func encode(path: String) throws(SegmentError) -> ByteBuffer {
        do { return ByteBuffer(bytes: Self.checked(try body())) } catch {
            throw SegmentError(call: "encode", path: path, reason: "\(error)")
        }
    }

    private static let checkKey = "{\"check\":\""

    private static func checked(_ body: Data) -> Data {
        let check = Manifest.hexadecimal(SHA256.hash(data: body))
        return Data("\(checkKey)\(check)\",".utf8) + body.dropFirst() + [ArchiveLineCoder.newline]
    }

    private func body() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self)
    }
}
