import NIOCore

/// The way from the hub to one shard: events pile up during a tick of the hub's loop and cross together.
///
/// Confined to the hub's loop. One crossing a tick, however many messages: at 1000 messages a tick this is what keeps
/// the cost of waking the other loop out of the cost of a delivery.
final class ShardLink {
    private let shard: NIOLoopBound<EdgeShard>
    private let shardLoop: any EventLoop
    private var events: [ShardEvent] = []

    init(shard: NIOLoopBound<EdgeShard>, loop: any EventLoop) {
        self.shard = shard
        shardLoop = loop
    }

    var isEmpty: Bool { events.isEmpty }

    func append(_ event: ShardEvent) {
        events.append(event)
    }

    /// Sends what piled up, if that takes no crossing.
    func flushAtOnce() {
        if shardLoop.inEventLoop { flush() }
    }

    /// Sends what piled up.
    func flush() {
        guard !events.isEmpty else { return }
        let batch = events
        events.removeAll(keepingCapacity: batch.count < 4096)
        if shardLoop.inEventLoop {
            shard.value.receive(batch)
        } else {
            shardLoop.execute { [shard] in shard.value.receive(batch) }
        }
    }
}
