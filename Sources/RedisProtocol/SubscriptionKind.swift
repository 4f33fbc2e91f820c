internal import NIOCore

/// Which pub/sub of Redis a subscription connection speaks.
public enum SubscriptionKind: Sendable {
    /// `SUBSCRIBE`: a message reaches every node.
    case classic
    /// `SSUBSCRIBE`: a message stays with the node that owns the channel's slot.
    case sharded
}

/// The words of one kind of pub/sub.
struct SubscriptionWords {
    let subscribeCommand: String
    let unsubscribeCommand: String
    /// How many channels one command may name. Sharded ones must be of one slot, so each gets its own.
    let channelsPerCommandMax: Int

    // The first elements of what Redis pushes.
    let message: ByteBuffer
    let subscribed: ByteBuffer
    let unsubscribed: ByteBuffer
    let pong = ByteBuffer(string: "pong")

    init(_ kind: SubscriptionKind) {
        let prefix =
            switch kind {
            case .classic: ""
            case .sharded: "s"
            }
        subscribeCommand = prefix.uppercased() + "SUBSCRIBE"
        unsubscribeCommand = prefix.uppercased() + "UNSUBSCRIBE"
        message = ByteBuffer(string: prefix + "message")
        subscribed = ByteBuffer(string: prefix + "subscribe")
        unsubscribed = ByteBuffer(string: prefix + "unsubscribe")
        channelsPerCommandMax =
            switch kind {
            case .classic: RedisLimits.channelsPerCommandMax
            case .sharded: 1
            }
    }
}
