internal import CEpoll
internal import NIOCore

/// The least that a relay can be: it lets WebSockets in, and writes what one says to all in the room. One thread, bare
/// epoll, no history, no checks, and Redis only where that is wanted, to publish and to subscribe; it understands what
/// this generator says, and nothing else.
///
/// It is what the cost of a relay is held against: the kernel's share, which no server of this kind can go below, but
/// by writing less often.
public final class FloorServer {
    /// When a message is written to a socket.
    public enum Mode: String, Sendable, CaseIterable {
        /// Each by itself, as soon as it comes.
        case plain
        /// All that came in one turn of the loop together.
        case coalesced
        /// Each by itself, when it has come back from Redis, where it was published.
        case redis
    }

    struct Connection {
        /// Its own for ever, unlike its place in the list.
        var serial: UInt64 = 0
        var descriptor: Int32 = -1
        var isOpen = false
        /// The room, and the place among its members; negative for none.
        var room = -1
        var place = -1
        var carried: [UInt8] = []
        var outbox = Outbox()
        var isWatchedForWriting = false
        /// Whether it is in the list of those that something was said to in this turn.
        var isAnswered = false
    }

    private static let listenerToken: UInt64 = 1 << 40
    private static let parentToken: UInt64 = 1 << 41

    private let mode: Mode
    private let poller: Poller
    private let listener: Int32
    private var buffer = ReceiveBuffer()
    private let redis: FloorRedis?
    private var serial: UInt64 = 0
    var connections: [Connection] = []
    private var free: [Int] = []
    var rooms: [FloorRoom] = []
    /// What Redis has not answered yet, the oldest first.
    var published = CircularBuffer<Published>()
    private var waiting: [Int] = []
    private var answered: [Int] = []

    /// The port of 127.0.0.1 that it listens on.
    public let port: Int

    /// Listens on a free port.
    ///
    /// - Parameters:
    ///   - mode: when it writes.
    ///   - redis: for that mode, which needs it; it is connected to at once.
    ///   - relay: a process whose processors this thread keeps to from now on. What a write costs depends by half on
    ///     whether who reads runs on the same processor: floor and relay are to be placed alike. One that has gone
    ///     is nobody to be compared with.
    public init(mode: Mode, redis server: RedisServer? = nil, beside relay: Int32? = nil) throws(BenchError) {
        self.mode = mode
        if let relay { _ = cepoll_share_processors(relay) }
        _ = SystemFigures.raisedDescriptorLimit()
        let poller: Poller
        do { poller = try Poller() } catch { throw .system("\(error)") }
        self.poller = poller
        redis = try server.map { server throws(BenchError) in try FloorRedis(server, poller: poller) }
        listener = cepoll_listen()
        guard listener >= 0 else { throw .system(Socket.text(ofError: -listener)) }
        port = Int(cepoll_port(listener))
        poller.add(listener, .reading, token: Self.listenerToken)
    }

    deinit { Socket.close(listener) }

    /// Serves until a descriptor is at its end, which is how its parent goes.
    ///
    /// - Throws: `unreachable` where Redis is wanted and goes.
    public func run(untilEndOf parent: Int32) throws(BenchError) {
        poller.add(parent, .reading, token: Self.parentToken)
        while true {
            for index in 0..<poller.wait(nanoseconds: -1) {
                let found = poller.readiness(index)
                switch found.token {
                case Self.listenerToken: accept()
                case Self.parentToken: return
                case FloorRedis.publisherToken, FloorRedis.subscriberToken: try redis?.ready(found) { take($0, $1) }
                default: ready(Int(found.token), found)
                }
            }
            try endTurn()
        }
    }

    private func accept() {
        while true {
            let descriptor = cepoll_accept(listener)
            guard descriptor >= 0 else { return }
            let index = free.popLast() ?? connections.count
            if index == connections.count { connections.append(Connection()) }
            serial += 1
            connections[index] = Connection()
            connections[index].serial = serial
            connections[index].descriptor = descriptor
            poller.add(descriptor, .reading, token: UInt64(index))
        }
    }

    private func drop(_ index: Int) {
        if connections[index].room >= 0 {
            let moved = rooms[connections[index].room].remove(at: connections[index].place)
            if let moved { connections[moved].place = connections[index].place }
        }
        Socket.close(connections[index].descriptor)
        connections[index] = Connection()
        free.append(index)
    }

    private func ready(_ index: Int, _ readiness: Poller.Readiness) {
        guard connections.indices.contains(index), connections[index].descriptor >= 0 else { return }
        if readiness.isWritable { flush(index) }
        guard readiness.isReadable, connections[index].descriptor >= 0 else { return }
        let (outcome, limit) = buffer.receive(connections[index].descriptor, after: connections[index].carried)
        switch outcome {
        case .moved: break
        case .blocked: return
        case .ended, .failed: return drop(index)
        }
        let held = buffer.bytes
        let bytes = held.span
        var offset = 0
        if !connections[index].isOpen {
            guard let head = HTTPAnswers.head(in: bytes, from: 0, to: limit) else {
                return buffer.keep(0..<limit, in: &connections[index].carried)
            }
            offset = head.end
            connections[index].isOpen = true
            answer(index) { $0 += FloorWords.upgraded }
        }
        while let request = FloorRequest(in: bytes, from: offset, to: limit) {
            offset = request.end
            switch request.kind {
            case .join(let room): join(index, room)
            case .send(let room, let name, let ref, let text): send(index, room, name, ref, held[text])
            case .close: return drop(index)
            case .other: break
            }
        }
        buffer.keep(offset..<limit, in: &connections[index].carried)
    }

    private func join(_ index: Int, _ number: Int) {
        while rooms.count <= number, rooms.count <= BenchLimits.roomsMax { rooms.append(FloorRoom()) }
        guard rooms.indices.contains(number), connections[index].room < 0 else { return }
        if let redis { joinThroughRedis(redis, index, number) } else { admit(index, number) }
    }

    func admit(_ index: Int, _ number: Int) {
        guard connections[index].room < 0 else { return }
        connections[index].room = number
        connections[index].place = rooms[number].add(index, descriptor: connections[index].descriptor)
        let reply = FloorWords.joined(seq: rooms[number].heardSeq)
        answer(index) { FrameScanner.append(reply, isMasked: false, to: &$0) }
    }

    private func send(_ index: Int, _ number: Int, _ name: Range<Int>, _ ref: UInt64, _ text: ArraySlice<UInt8>) {
        while rooms.count <= number, rooms.count <= BenchLimits.roomsMax { rooms.append(FloorRoom()) }
        guard rooms.indices.contains(number) else { return }
        let name = buffer.bytes[name]
        let now = cepoll_milliseconds()
        if let redis { return publish(redis, index, number, ref, text, name: name, at: now) }
        rooms[number].say(text, room: name, at: now)
        acknowledge(index, ref: ref, seq: rooms[number].seq)
        switch mode {
        case .plain, .redis: write(number)
        case .coalesced: if rooms[number].isFirst { waiting.append(number) }
        }
    }

    func acknowledge(_ index: Int, ref: UInt64, seq: UInt64) {
        let reply = FloorWords.acknowledged(ref: ref, seq: seq)
        answer(index) { FrameScanner.append(reply, isMasked: false, to: &$0) }
    }

    /// Writes what was said in a room to all of its members.
    func write(_ number: Int) {
        let room = rooms[number]
        for (descriptor, index) in zip(room.descriptors, room.members) {
            if connections[index].outbox.isEmpty, case .moved(let count) = Socket.send(descriptor, room.said, from: 0) {
                guard count < room.said.count else { continue }
                connections[index].outbox.append { $0 += room.said[count...] }
            } else {
                connections[index].outbox.append { $0 += room.said }
            }
            guard connections[index].outbox.count <= BenchLimits.frameBytesMax else {
                drop(index)
                continue
            }
            flush(index)
        }
        rooms[number].wrote()
    }

    private func answer(_ index: Int, _ body: (inout [UInt8]) -> Void) {
        connections[index].outbox.append(body)
        guard !connections[index].isAnswered else { return }
        connections[index].isAnswered = true
        answered.append(index)
    }

    private func endTurn() throws(BenchError) {
        try redis?.flush()
        for number in waiting { write(number) }
        waiting.removeAll(keepingCapacity: true)
        for index in answered where connections[index].isAnswered {
            connections[index].isAnswered = false
            flush(index)
        }
        answered.removeAll(keepingCapacity: true)
    }

    /// Sends what waits for one connection. One that is broken is dropped when it is read from.
    private func flush(_ index: Int) {
        _ = connections[index].outbox.flush(to: connections[index].descriptor)
        let isBlocked = !connections[index].outbox.isEmpty
        guard isBlocked != connections[index].isWatchedForWriting else { return }
        connections[index].isWatchedForWriting = isBlocked
        poller.change(connections[index].descriptor, to: isBlocked ? .both : .reading, token: UInt64(index))
    }
}
