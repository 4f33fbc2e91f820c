import NIOCore
import RelayCore
import RelayWire

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

    /// Writes what is for this session alone. Who does not read is closed before too much of it waits.
    func write(own payload: ByteBuffer) {
        guard isOpen, mayWait(payload.readableBytes) else { return }
        write(.text, payload)
    }

    /// Answers a ping, behind what waits already: a client that reads slowly is not to take the relay for dead. (An
    /// echo stops reading instead.)
    func write(pong payload: ByteBuffer) {
        guard isEcho || mayWait(payload.readableBytes + Limits.pongCost) else { return }
        write(.pong, payload)
    }

    /// Counts what is to wait for a socket that takes nothing more; closes the session where that is too much.
    private func mayWait(_ byteCount: Int) -> Bool {
        guard !isWritable else { return true }
        replyBytesOverBudget += byteCount
        let bytesMax = shard.configuration.limits.slowBudgetBytes * Limits.replyBudgetFactor
        if replyBytesOverBudget > bytesMax { close(.tooSlow) }
        return isOpen
    }
}
