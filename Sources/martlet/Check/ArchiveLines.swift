import Foundation
import NIOCore
import RelayArchive
import RelayCheck
import RelayCore
import RelayWire

/// The lines of one room's files, read as any program would read them: not by the archive's own reader, which is one
/// of those that are checked.
struct ArchiveLines {
    private static let chunkBytes = 1 << 20

    let directory: String
    let room: RoomID

    /// One line, without its line break.
    struct Line {
        var bytes: ByteBuffer

        /// What it says.
        func fact(_ speech: Speech) -> CheckFact {
            if let message = try? ServerFrameDecoder.message(from: bytes) {
                return .archived(speech.sighting(of: message))
            }
            guard let object = try? JSONReader.object(from: bytes), (try? object.string("type")) == "gap",
                let from = object["from_seq"]?.integer, let to = object["to_seq"]?.integer, from >= 0, to >= 0
            else { return .archiveStrange(String(String(buffer: bytes).prefix(80))) }
            return .archiveGap(from: UInt64(from), to: UInt64(to), reason: object["reason"]?.string ?? "")
        }
    }

    /// Hands over every line of every day, the oldest first. A room without a folder has none.
    func forEach(_ body: (Line) -> Void) throws {
        let folder = "\(directory)/\(RoomFolder.name(of: room))"
        guard FileManager.default.fileExists(atPath: folder) else { return }
        let days = try FileManager.default.contentsOfDirectory(atPath: folder)
            .filter { $0.hasSuffix(".jsonl") && $0.first?.isNumber == true }
        for day in days.sorted() {
            let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: "\(folder)/\(day)"))
            defer { try? file.close() }
            var pending = ByteBuffer()
            while let chunk = try file.read(upToCount: Self.chunkBytes), !chunk.isEmpty {
                pending.writeBytes(chunk)
                while let line = Self.line(from: &pending) { body(line) }
                pending.discardReadBytes()
            }
            if pending.readableBytes > 0 { body(Line(bytes: pending)) }
        }
    }

    private static func line(from buffer: inout ByteBuffer) -> Line? {
        let view = buffer.readableBytesView
        guard let end = view.firstIndex(of: UInt8(ascii: "\n")),
            let bytes = buffer.readSlice(length: end - view.startIndex)
        else { return nil }
        buffer.moveReaderIndex(forwardBy: 1)
        return Line(bytes: bytes)
    }
}
