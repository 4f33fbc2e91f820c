internal import Foundation
internal import NIOCore
internal import RelayCore
internal import RelayWire

/// What one line of a segment is, as far as the archive has to know.
enum ArchiveLineHead: Equatable {
    /// A message.
    case message(ArchivePosition)
    /// A hole.
    case gap(ArchiveGap)
    /// Nothing that the archiver wrote.
    case unknown
}

/// The bytes of archive lines: envelopes as they are, and gap lines.
enum ArchiveLineCoder {
    static let newline = UInt8(ascii: "\n")

    /// All lines, each with its line break.
    static func encode(_ lines: [ArchiveLine], room: RoomID) -> ByteBuffer {
        var buffer = ByteBuffer()
        for line in lines {
            switch line {
            case .frame(let frame): buffer.writeImmutableBuffer(frame.envelope)
            case .gap(let gap): buffer.writeString(encode(gap, room: room))
            }
            buffer.writeInteger(newline)
        }
        return buffer
    }

    /// Room ids and reasons need no escaping.
    static func encode(_ gap: ArchiveGap, room: RoomID) -> String {
        let epoch = gap.epoch.map { ",\"epoch\":\($0)" } ?? ""
        return "{\"type\":\"gap\",\"room\":\"\(room)\",\"from_seq\":\(gap.fromSeq),\"to_seq\":\(gap.toSeq),"
            + "\"reason\":\"\(gap.reason.rawValue)\",\"ts\":\(gap.milliseconds)\(epoch)}"
    }

    /// Tells what a line without its line break is. A message is told by its head and its last byte alone.
    static func decode(_ line: ByteBuffer) -> ArchiveLineHead {
        if let head = EnvelopeHead(line) {
            guard line.readableBytesView.last == UInt8(ascii: "}") else { return .unknown }
            return .message(ArchivePosition(id: head.id, seq: head.seq))
        }
        guard line.readableBytesView.starts(with: "{\"type\":\"gap\",".utf8) else { return .unknown }
        let data = Data(line.readableBytesView)
        guard let fields = try? JSONDecoder().decode(GapFields.self, from: data),
            let reason = ArchiveGap.Reason(rawValue: fields.reason)
        else { return .unknown }
        return .gap(
            ArchiveGap(
                fromSeq: fields.fromSeq, toSeq: fields.toSeq, reason: reason, milliseconds: fields.milliseconds,
                epoch: fields.epoch))
    }

    private struct GapFields: Decodable {
        var fromSeq: UInt64
        var toSeq: UInt64
        var reason: String
        var milliseconds: UInt64
        var epoch: UInt64?

        enum CodingKeys: String, CodingKey {
            case fromSeq = "from_seq"
            case toSeq = "to_seq"
            case reason
            case milliseconds = "ts"
            case epoch
        }
    }
}
