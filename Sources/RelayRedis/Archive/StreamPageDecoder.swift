internal import NIOCore
internal import RedisProtocol
internal import RelayCore
internal import RelayWire

/// Reads a page of entries: from the bytes of the reply to those of the envelopes, which stand in one buffer.
///
/// What is not as relays write it goes the long way, entry by entry, as in the reply of `archive-look`.
struct StreamPageDecoder {
    let room: RoomID

    private enum Decoded {
        case plain(EntryTranscriber.Position, start: Int, length: Int)
        case other(StreamEntry)
    }

    /// The entries; nil where the reply is no page of them.
    func decode(_ tape: RESPTape) -> [StreamEntry]? {
        guard let count = tape.marks.first?.arrayCount else { return nil }
        let transcriber = EntryTranscriber(room: room)
        var envelopes = ByteBufferAllocator().buffer(
            capacity: tape.bytes.count + count * transcriber.frameBytesMax)
        var decoded: [Decoded] = []
        decoded.reserveCapacity(count)
        var place = RESPTapePlace()
        place.mark = 1
        // Bytes have no padding that could be read uninitialised.
        let bytes = unsafe tape.bytes.span.bytes
        for _ in 0..<count {
            var behind = place
            if let entry = Self.plainEntry(tape.marks, bytes, at: &behind) {
                let start = envelopes.readableBytes
                if let position = transcriber.transcribe(entry, in: bytes, to: &envelopes) {
                    decoded.append(.plain(position, start: start, length: envelopes.readableBytes - start))
                    place = behind
                    continue
                }
            }
            guard let entry = StreamLookDecoder(room: room).entry(tape.value(at: &place)) else { return nil }
            decoded.append(.other(entry))
        }
        return decoded.compactMap { entry in
            switch entry {
            case .other(let entry): return entry
            case .plain(let position, let start, let length):
                return envelopes.getSlice(at: envelopes.readerIndex + start, length: length).map { envelope in
                    .frame(StoredFrame(id: position.id, seq: position.seq, envelope: envelope))
                }
            }
        }
    }

    /// Where the strings of the next entry stand; nil where it is not made of an id and of names that relays write,
    /// each with a value and none of them twice.
    private static func plainEntry(
        _ marks: [RESPMark], _ bytes: RawSpan, at place: inout RESPTapePlace
    ) -> PlainEntry? {
        guard place.mark + 2 < marks.count, marks[place.mark].arrayCount == 2,
            let idLength = marks[place.mark + 1].stringLength, let strings = marks[place.mark + 2].arrayCount,
            strings % 2 == 0, place.mark + 2 + strings < marks.count
        else { return nil }
        var entry = PlainEntry(id: place.offset..<(place.offset + idLength))
        place.offset += idLength
        place.mark += 3
        let end = place.mark + strings
        while place.mark < end {
            guard let nameLength = marks[place.mark].stringLength,
                let valueLength = marks[place.mark + 1].stringLength
            else { return nil }
            let value = place.offset + nameLength
            guard entry.add(name: place.offset..<value, value: value..<(value + valueLength), in: bytes) else {
                return nil
            }
            place.mark += 2
            place.offset = value + valueLength
        }
        return entry
    }
}
