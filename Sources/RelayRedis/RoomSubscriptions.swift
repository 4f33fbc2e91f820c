internal import NIOCore
internal import RedisClient
internal import RedisProtocol
internal import RelayCore

/// The rooms' and users' channels of one subscriber: knows whose channel is whose, and passes on what comes.
final class RoomSubscriptions: RedisSubscriberDelegate {
    /// Who is told what comes in.
    weak var delegate: (any MessageBrokerDelegate)?
    /// Called whenever the connection comes or goes.
    var onChange: (() -> Void)?

    private let keys: KeySpace
    private let subscriber: RedisSubscriber
    private let prober: RedisProber
    private var rooms: [String: RoomID] = [:]
    private var users: [String: UserID] = [:]
    /// Channels that are no room's: called with nil when the channel is heard, then with what comes.
    private var listeners: [String: (ByteBuffer?) -> Void] = [:]

    var isListening: Bool { subscriber.isConnected }

    init(keys: KeySpace, subscriber: RedisSubscriber, prober: RedisProber) {
        self.keys = keys
        self.subscriber = subscriber
        self.prober = prober
        subscriber.delegate = self
    }

    func subscribe(_ room: RoomID) {
        let name = keys.channelName(of: room)
        rooms[name] = room
        subscriber.subscribe(name)
    }

    func unsubscribe(_ room: RoomID) {
        let name = keys.channelName(of: room)
        rooms[name] = nil
        subscriber.unsubscribe(name)
    }

    /// Whether the room's channel is asked for.
    func hasRoom(_ room: RoomID) -> Bool { rooms[keys.channelName(of: room)] != nil }

    func subscribe(user: UserID) {
        let name = keys.channelName(of: user)
        users[name] = user
        subscriber.subscribe(name)
    }

    func unsubscribe(user: UserID) {
        let name = keys.channelName(of: user)
        users[name] = nil
        subscriber.unsubscribe(name)
    }

    /// Hears a channel that is no room's, from now on and after each interruption.
    func listen(to channelName: String, _ listener: @escaping (ByteBuffer?) -> Void) {
        listeners[channelName] = listener
        subscriber.subscribe(channelName)
    }

    func subscriberDidConnect() {
        onChange?()
    }

    func subscribed(channelName: String) {
        if let room = rooms[channelName] {
            delegate?.brokerSubscribed(room)
        } else if let user = users[channelName] {
            delegate?.brokerSubscribed(user: user)
        } else if channelName == prober.channelName {
            prober.subscribed()
        } else {
            listeners[channelName]?(nil)
        }
    }

    func received(payload: ByteBuffer, on channelName: String) {
        if let room = rooms[channelName] {
            prober.otherReceived()
            delegate?.brokerReceived(payload, in: room)
        } else if let user = users[channelName] {
            prober.otherReceived()
            delegate?.brokerReceived(payload, for: user)
        } else if channelName == prober.channelName {
            prober.received(payload)
        } else if let listener = listeners[channelName] {
            prober.otherReceived()
            listener(payload)
        }
    }

    func receiveBatchEnded() {
        delegate?.brokerBatchEnded()
    }

    func subscriberDidDisconnect(_ error: RedisError) {
        prober.disconnected()
        onChange?()
        delegate?.brokerLost()
    }
}
