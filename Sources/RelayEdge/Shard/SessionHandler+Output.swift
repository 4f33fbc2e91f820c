import NIOCore

/// What a session writes, until it has left.
extension SessionHandler {
    /// Writes frames that are encoded already; they leave with the flush of the tick.
    func write(_ frames: ByteBuffer) {
        writer?.gather(frames)
        if writer?.isFull == true { return flushNow() }
        if !isDirty {
            isDirty = true
            shard.noteDirty(self)
            updateLane()
        }
    }

    /// Sends what was written. Called at the end of a tick, or early.
    func flushNow() {
        defer { updateLane() }
        guard let rest = writer?.flush() else { return }
        if let pipe { isWritable = pipe.append(rest) }
        context?.writeAndFlush(wrapOutboundOut(rest)).assumeIsolated().whenSuccess { [self] in
            writer?.channelSent()
            updateLane()
        }
    }

    /// Says in the shard's lanes whether what a room says may go straight to this socket. To be called whenever
    /// something changes of what that depends on.
    func updateLane() {
        guard let lane else { return }
        shard.lanes.update(
            lane, descriptor: isDirty || !isWritable ? nil : writer?.idleDescriptor, roomCount: seats.count)
    }

    /// Called once after a tick in which something was written.
    func tickEnded() {
        isDirty = false
        flushNow()
    }
}
