import NIOCore
import RelayCore
import RelayWire

/// Something that a room said, before it is known in which format somebody reads it.
enum RoomSource {
    case message(ByteBuffer)
    case event(ByteBuffer)
}

/// What one tick has for those of a room who read lines: frames that are made once and shared by all of them.
///
/// Two things differ from reader to reader: nobody is told of their own coming and going, and a direct conversation has
/// two sides. What that takes is made once for each of the few whom it concerns.
struct RoomLines {
    private struct Line {
        let text: String
        /// Whose coming or going it tells.
        let about: UserID?
    }

    private let sources: [RoomSource]
    private let isDirect: Bool
    private var lines: [Line] = []
    private var common: ByteBuffer?
    private var special: [UserID: ByteBuffer] = [:]
    /// How many lines were made so far.
    private(set) var madeCount = 0

    init(of sources: [RoomSource], in room: RoomID) {
        self.sources = sources
        isDirect = room.directUsers != nil
    }

    /// The frames for one reader, one a line.
    mutating func frames(for reader: UserID) -> ByteBuffer {
        if !special.isEmpty, let frames = special[reader] { return frames }
        if isDirect {
            let frames = Self.frames(of: make(for: reader).map(\.text))
            special[reader] = frames
            return frames
        }
        if common == nil {
            lines = make(for: nil)
            common = Self.frames(of: lines.map(\.text))
            for user in Set(lines.compactMap(\.about)) {
                special[user] = Self.frames(of: lines.filter { $0.about != user }.map(\.text))
            }
        }
        return (special.isEmpty ? nil : special[reader]) ?? common ?? ByteBuffer()
    }

    private mutating func make(for reader: UserID?) -> [Line] {
        let made = sources.compactMap { source -> Line? in
            switch source {
            case .message(let envelope):
                RoomLineEncoder.line(of: envelope, for: reader).map { Line(text: $0, about: nil) }
            case .event(let json): RoomLineEncoder.line(ofEvent: json).map { Line(text: $0.line, about: $0.about) }
            }
        }
        madeCount += made.count
        return isDirect ? made.filter { $0.about == nil || $0.about != reader } : made
    }

    private static func frames(of lines: [String]) -> ByteBuffer {
        var frames = ByteBuffer()
        FrameEncoder.writeTexts(lines.map { ByteBuffer(string: $0) }, into: &frames)
        return frames
    }
}

extension ShardRoom {
    func enroll(text seat: Seat) {
        seat.state = .live(rosterIndex: textSeats.count)
        textSeats.append(seat)
    }

    func unenroll(textAt index: Int) {
        let last = textSeats.removeLast()
        guard index < textSeats.count else { return }
        textSeats[index] = last
        last.state = .live(rosterIndex: index)
    }
}

extension EdgeShard {
    /// Writes lines to every live member who reads them; who is over the budget falls behind instead.
    func push(_ sources: [RoomSource], from cursor: ReadCursor?, to room: ShardRoom) {
        var lines = RoomLines(of: sources, in: room.id)
        var index = room.textSeats.count - 1
        // From the end, as with the roster.
        while index >= 0 {
            let seat = room.textSeats[index]
            if seat.session.isWritable {
                let frames = lines.frames(for: seat.identity.user)
                if frames.readableBytes > 0 { seat.session.write(frames) }
            } else if let cursor {
                figures.fellBehind += 1
                room.unenroll(textAt: index)
                seat.state = .behind(cursor, isReading: false)
                seat.session.behindCount += 1
            }
            index -= 1
        }
        figures.deliveries += UInt64(sources.count * room.textSeats.count)
        figures.textLines += UInt64(lines.madeCount)
    }
}

extension Seat {
    /// The socket of a reader of lines takes something again: it goes on with what is said now.
    func skipToNow(from cursor: ReadCursor) {
        session.behindCount -= 1
        room.enroll(text: self)
        guard let now = room.delivered, now != cursor else { return }
        if now.rewinds != cursor.rewinds {
            session.skipped(nil, after: cursor.id, through: now.id)
        } else if let newest = now.seq, newest > cursor.seq ?? 0 {
            session.skipped(newest - (cursor.seq ?? 0), after: cursor.id, through: now.id)
        }
        session.shard.flushSoon()
    }
}

extension Recovery {
    /// The newest of it that fit into so many bytes, as the whole: a reader of lines is always at now.
    func newest(bytesMax: Int) -> Recovery {
        var newest = self
        var bytes = 0
        var start = frames.endIndex
        while start > frames.startIndex {
            bytes += frames[start - 1].envelope.readableBytes
            if bytes > bytesMax, start < frames.endIndex { break }
            start -= 1
        }
        newest.frames.removeSubrange(..<start)
        newest.isLive = true
        guard !isLive else { return newest }
        // Not met with what is asked for, the newest messages; what is between would be told as missed.
        newest.cursor.id = standing.lastID ?? cursor.id
        newest.cursor.seq = standing.lastSeq
        return newest
    }
}
