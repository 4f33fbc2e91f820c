/// A room of the floor: who is in it, and what was said and is not written yet.
struct FloorRoom {
    /// Whether what is published in it is heard from Redis.
    enum Hearing {
        /// Exits: `asked`.
        case nothing
        /// Exits: `heard`.
        case asked
        case heard
    }

    /// Connections, and their descriptors beside them, so that a write to all touches nothing else.
    private(set) var members: [Int] = []
    private(set) var descriptors: [Int32] = []
    /// The number of the last message, and of the last one that the members get or got: through Redis that is later.
    private(set) var seq: UInt64 = 0
    private(set) var heardSeq: UInt64 = 0
    var hearing = Hearing.nothing
    /// Connections that wait until it is heard, by place and number.
    var waiting: [(index: Int, serial: UInt64)] = []
    /// Frames, one after the other.
    private(set) var said: [UInt8] = []
    /// Whether the last thing said is the first that waits.
    private(set) var isFirst = false
    private var milliseconds: UInt64 = 0
    private var sequence: UInt64 = 0
    private var scratch: [UInt8] = []

    /// Lets a connection in and returns its place.
    mutating func add(_ index: Int, descriptor: Int32) -> Int {
        members.append(index)
        descriptors.append(descriptor)
        return members.count - 1
    }

    /// Takes the member at a place out, and returns the one that has its place now, if any.
    mutating func remove(at place: Int) -> Int? {
        members.swapAt(place, members.count - 1)
        descriptors.swapAt(place, descriptors.count - 1)
        members.removeLast()
        descriptors.removeLast()
        return place < members.count ? members[place] : nil
    }

    /// Has what was said come to the members, in the form of the relay's.
    mutating func say(_ text: ArraySlice<UInt8>, room: ArraySlice<UInt8>, at now: UInt64) {
        hear(compose(text, room: room, at: now)[...])
    }

    /// Makes a message of what was said, with the next number.
    mutating func compose(_ text: ArraySlice<UInt8>, room: ArraySlice<UInt8>, at now: UInt64) -> [UInt8] {
        seq += 1
        sequence = now == milliseconds ? sequence + 1 : 0
        milliseconds = now
        scratch.removeAll(keepingCapacity: true)
        scratch += #"{"id":"\#(now)-\#(sequence)","seq":\#(seq),"ts":\#(now),"room":""#.utf8
        scratch += room
        scratch += FloorWords.sender
        scratch += text
        scratch += FloorWords.envelopeEnd
        return scratch
    }

    /// A message is for the members: it waits as a frame.
    mutating func hear(_ message: ArraySlice<UInt8>) {
        heardSeq += 1
        isFirst = said.isEmpty
        FrameScanner.appendHeader(opcode: FrameScanner.text, count: message.count, isMasked: false, to: &said)
        said += message
    }

    /// What was said is written.
    mutating func wrote() { said.removeAll(keepingCapacity: true) }
}
