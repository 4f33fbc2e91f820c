import NIOCore
import NIOEmbedded
import RelayCore
import RelayWire
import Testing

@testable import RelayEdge

/// Sessions whose readers ask for events over HTTP.
@Suite("Readers of events on one edge")
struct EventSessionTests {
    /// One such reader, who takes what there is when the test says so.
    private final class Reader {
        let session: SessionHandler
        let pipe: EventPipe
        private(set) var outcome: Result<Void, Refusal>?
        private(set) var isAtEnd = false
        private let edge: OneLoopEdge
        private var transcoder = EventTranscoder()
        private var isTaking = false
        private var stream = ""

        init(
            _ edge: OneLoopEdge, as user: String = "alice", in room: String = "general",
            from point: JoinPoint = .history(limit: 0), isSeen: Bool = true
        ) throws {
            let user = try UserID(user).orThrow()
            let identity = Identity(user: user, name: DisplayName(user))
            self.edge = edge
            session = SessionHandler(
                shard: edge.shard, id: "reader", purpose: .events(identity, isSeen: isSeen))
            let room = try RoomID(room).orThrow()
            pipe = EventPipe(of: room, bytesMax: edge.shard.configuration.limits.slowBudgetBytes)
            pipe.whenSettled { [unowned self] in outcome = $0 }
            session.begin(writingTo: pipe, in: room, from: point)
            edge.loop.run()
        }

        /// Takes what waits until nothing does, and returns what came since the last call.
        func read() -> String {
            defer { stream = "" }
            var before: Int
            repeat {
                before = stream.utf8.count
                if !isTaking {
                    isTaking = true
                    session.pipeTaken()
                    pipe.take { [unowned self] frames in
                        isTaking = false
                        guard let frames else { return isAtEnd = true }
                        stream += String(buffer: transcoder.events(of: frames))
                    }
                }
                edge.loop.run()
            } while stream.utf8.count > before
            return stream
        }

        /// The numbers of the messages among these events.
        static func numbers(in stream: String) -> [Int] {
            stream.matches(of: /data: \{"id":"[0-9-]+","seq":([0-9]+)/).compactMap { Int($0.output.1) }
        }
    }

    private let room: RoomID

    init() throws {
        room = try #require(RoomID("general"))
    }

    @Test("A reader is given its place, what it missed, and then what is said, in the bytes that WebSockets get")
    func live() throws {
        let edge = OneLoopEdge()
        let socket = try edge.connect(as: "bob")
        try socket.send(#"{"op":"join","room":"general"}"#)
        try edge.store.post("missed", in: room, count: 3)
        let reader = try Reader(edge, from: .since(try #require(edge.store.frames(of: room).first).id, epoch: nil))
        guard case .success? = reader.outcome else {
            Issue.record("\(reader.outcome as Any)")
            return
        }
        try edge.store.post("live", in: room, count: 2)
        let stream = reader.read()
        #expect(Reader.numbers(in: stream) == [2, 3, 4, 5])
        for frame in edge.store.frames(of: room).dropFirst() {
            #expect(stream.contains("id: \(frame.id)\ndata: \(String(buffer: frame.envelope))\n\n"))
        }
        #expect(try socket.receivedNumbers() == [1, 2, 3, 4, 5])
        #expect(edge.store.present[room]?.count == 2)
    }

    @Test("A reader who may not be there is refused, and leaves nothing behind")
    func refused() throws {
        let edge = OneLoopEdge()
        let owner = try #require(UserID("owner"))
        edge.store.facts[room] = RoomFacts(
            name: "general", createdBy: owner, createdAt: 1, isPrivate: true, members: [owner])
        let member = try edge.connect(as: "owner")
        try member.send(#"{"op":"join","room":"general"}"#)
        let reader = try Reader(edge)
        guard case .failure(let refusal)? = reader.outcome else {
            Issue.record("let in")
            return
        }
        #expect(refusal.code == .noSuchRoom)
        #expect(!reader.session.isOpen && edge.shard.figures.sessions == 1)
        _ = reader.read()
        #expect(reader.isAtEnd)
    }

    @Test("A reader who takes nothing costs no more than its budget, and then misses nothing")
    func slow() throws {
        let edge = OneLoopEdge { $0.limits.slowBudgetBytes = 4096 }
        let reader = try Reader(edge)
        for _ in 1...40 { try edge.store.post(String(repeating: "x", count: 100), in: room, count: 10) }
        #expect(edge.shard.figures.fellBehind == 1)
        let waiting = reader.pipe.isWithinBudget
        #expect(!waiting)
        #expect(Reader.numbers(in: reader.read()) == Array(1...400))
        try edge.store.post("awake", in: room)
        #expect(Reader.numbers(in: reader.read()) == [401])
    }

    @Test("A ping is a comment; who takes it is there, who does not is cut off")
    func heartbeat() throws {
        let edge = OneLoopEdge()
        let reader = try Reader(edge)
        _ = reader.read()
        var now = Clock.now
        for _ in 1...3 {
            now = now + edge.shard.configuration.pingInterval + .seconds(1)
            reader.session.timePassed(now: now)
            edge.shard.flushDirty()
            #expect(reader.read() == ": \n\n")
        }
        // The last one is taken too, but nothing after it is asked for.
        now = now + edge.shard.configuration.pingInterval + .seconds(1)
        reader.session.timePassed(now: now)
        edge.shard.flushDirty()
        now = now + edge.shard.configuration.pingInterval + .seconds(1)
        reader.session.timePassed(now: now)
        #expect(!reader.session.isOpen)
    }

    @Test("Whom nobody knows is not said to be there, in no list, and does not leave either")
    func unseen() throws {
        let edge = OneLoopEdge()
        let socket = try edge.connect(as: "bob")
        try socket.send(#"{"op":"join","room":"general"}"#)
        let reader = try Reader(edge, as: "nobody-1", isSeen: false)
        try edge.store.post("heard", in: room)
        #expect(Reader.numbers(in: reader.read()) == [1])
        #expect(edge.store.present[room]?.count == 1)
        reader.session.pipeClosed()
        edge.loop.run()
        #expect(edge.shard.figures.sessions == 1)
        try edge.store.post("after", in: room)
        #expect(edge.store.present[room]?.count == 1)
    }

    @Test("A session that is sent away says so, and ends the stream")
    func drained() throws {
        let edge = OneLoopEdge()
        let reader = try Reader(edge)
        reader.session.close(.draining)
        edge.shard.flushDirty()
        #expect(reader.read().hasPrefix(": 4000 "))
        reader.session.pipeClosed()
        _ = reader.read()
        #expect(reader.isAtEnd && edge.shard.figures.sessions == 0)
    }

    @Test("Frames make the same events however they are cut")
    func cuts() throws {
        var frames = ByteBuffer()
        FrameEncoder.write(.text, payload: ByteBuffer(string: #"{"type":"join"}"#), into: &frames)
        FrameEncoder.write(.ping, payload: ByteBuffer(), into: &frames)
        FrameEncoder.writeClose(code: 4000, reason: "draining", into: &frames)
        FrameEncoder.write(.text, payload: ByteBuffer(string: "after the end"), into: &frames)
        let expected = "event: join\ndata: {\"type\":\"join\"}\n\n: \n\n: 4000 draining\n\n"
        for cut in 0...frames.readableBytes {
            var transcoder = EventTranscoder()
            let (head, tail) = (
                frames.getSlice(at: 0, length: cut), frames.getSlice(at: cut, length: frames.readableBytes - cut)
            )
            let text = try [head, tail].map { String(buffer: transcoder.events(of: try #require($0))) }.joined()
            #expect(text == expected && transcoder.isOver, "cut at \(cut)")
        }
    }
}
