import NIOCore
import RelayCore
import RelayWire

/// A session whose reader asked for a room's events over HTTP: it has a pipe in place of a channel, is in one room from
/// its beginning to its end, and asks for nothing.
extension SessionHandler {
    /// Whether its reader asked for the events of one room over HTTP.
    var isListener: Bool { pipe != nil }

    /// Whether what is said to its user alone reaches it: a listener is told of its room, and of a direct message where
    /// that is said there.
    var isReached: Bool { pipe.map { $0.room.directUsers != nil } ?? true }

    /// Begins, and joins the room.
    ///
    /// - Parameter grant: what the reader's token says, where it has one: the session ends with it.
    func begin(writingTo pipe: EventPipe, in room: RoomID, from point: JoinPoint, grant: TokenGrant? = nil) {
        self.pipe = pipe
        writer = SocketWriter()
        opened()
        if let grant, isOpen { perform(accept(grant), ref: nil) }
        guard isOpen else { return pipe.end() }
        perform(machine.requestReceived(.join(room, from: point), ref: nil, now: Clock.now), ref: nil)
        shard.flushDirty()
    }

    /// An op of the session is answered: there is one, the join.
    func answer(_ reply: ServerReply, through pipe: EventPipe) {
        switch reply {
        case .joined(let room, let recovery, let here):
            if recovery.shortfall != nil {
                // Without messages: these follow as events of their own.
                var known = recovery
                (known.frames, known.isLive) = ([], true)
                write(.text, ReplyEncoder.encode(.joined(room, known, here: here), ref: nil))
            }
            var frames = ByteBuffer()
            FrameEncoder.writeTexts(recovery.frames.map(\.envelope), into: &frames)
            if frames.readableBytes > 0 { write(frames) }
            pipe.settle(.success(()))
        case .refused(let refusal):
            pipe.settle(.failure(refusal))
            pipeClosed()
        case .left, .removed: close(.normal)
        default: break
        }
    }

    /// The reader has taken what was written so far, and has shown thereby that it is there.
    func pipeTaken() {
        machine.pongReceived()
        writabilityChanged(true)
        shard.flushDirty()
    }

    /// Whoever reads the pipe is gone, or has all there is to be.
    func pipeClosed() {
        cut()
    }
}
