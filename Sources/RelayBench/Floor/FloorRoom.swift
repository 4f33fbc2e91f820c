/// A room of the floor: who is in it, and what was said and is not written yet.
struct FloorRoom {
    /// Connections, and their descriptors beside them, so that a write to all touches nothing else.
    private(set) var members: [Int] = []
    private(set) var descriptors: [Int32] = []
    /// The number of the last message.
    private(set) var seq: UInt64 = 0
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

    /// Makes a frame of what was said, in the form of the relay's.
    mutating func say(_ text: ArraySlice<UInt8>, room: ArraySlice<UInt8>, at now: UInt64) {
        seq += 1
        sequence = now == milliseconds ? sequence + 1 : 0
        milliseconds = now
        scratch.removeAll(keepingCapacity: true)
        scratch += #"{"id":"\#(now)-\#(sequence)","seq":\#(seq),"ts":\#(now),"room":""#.utf8
        scratch += room
        scratch += FloorWords.sender
        scratch += text
        scratch += FloorWords.envelopeEnd
        isFirst = said.isEmpty
        FrameScanner.append(scratch, isMasked: false, to: &said)
    }

    /// What was said is written.
    mutating func wrote() { said.removeAll(keepingCapacity: true) }
}
