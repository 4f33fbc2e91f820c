import Logging
import NIOConcurrencyHelpers
import NIOCore
import RedisClient
import RedisProtocol

/// Listens to one channel, and says when what was waited for came.
final class ChannelEar: RedisSubscriberDelegate, Sendable {
    private struct Heard {
        var isSubscribed = false
        var failure: RedisError?
        var payloads: [(text: String, at: ContinuousClock.Instant)] = []
    }

    /// Messages that it remembers; further ones are passed over.
    private static let payloadsMax = 100
    private static let pause = Duration.milliseconds(2)

    private let heard = NIOLockedValueBox(Heard())
    private let channelName: String
    private let eventLoop: any EventLoop
    private let subscriber: NIOLoopBoundBox<RedisSubscriber?>

    init(channelName: String, eventLoop: any EventLoop) {
        self.channelName = channelName
        self.eventLoop = eventLoop
        subscriber = .makeEmptyBox(eventLoop: eventLoop)
    }

    /// Subscribes; false where that was not confirmed in time.
    func open(_ configuration: RedisConfiguration, within span: Duration) async -> Bool {
        eventLoop.execute { [self] in
            guard
                let made = try? RedisSubscriber(
                    configuration: configuration, eventLoop: eventLoop,
                    logger: Logger(label: "martlet") { _ in SwiftLogNoOpLogHandler() })
            else { return }
            made.delegate = self
            made.subscribe(channelName)
            made.start()
            subscriber.value = made
        }
        return await wait(within: span) { $0.isSubscribed }
    }

    /// When a message with that in it came; nil where none did in time.
    func moment(of part: String, within span: Duration) async -> ContinuousClock.Instant? {
        _ = await wait(within: span) { heard in heard.payloads.contains { $0.text.contains(part) } }
        return heard.withLockedValue { heard in heard.payloads.first { $0.text.contains(part) }?.at }
    }

    /// Why the connection was lost last; nil where it was not.
    var failure: RedisError? { heard.withLockedValue { $0.failure } }

    func close() {
        eventLoop.execute { [subscriber] in
            subscriber.value?.close()
            subscriber.value = nil
        }
    }

    private func wait(within span: Duration, _ holds: @Sendable (Heard) -> Bool) async -> Bool {
        let end = ContinuousClock.now + span
        while ContinuousClock.now < end {
            if heard.withLockedValue({ holds($0) }) { return true }
            try? await Task.sleep(for: Self.pause)
        }
        return heard.withLockedValue { holds($0) }
    }

    // MARK: What the subscriber says

    func subscriberDidConnect() {}

    func subscribed(channelName: String) { heard.withLockedValue { $0.isSubscribed = true } }

    func received(payload: ByteBuffer, on channelName: String) {
        let now = ContinuousClock.now
        heard.withLockedValue { heard in
            guard heard.payloads.count < Self.payloadsMax else { return }
            heard.payloads.append((String(buffer: payload), now))
        }
    }

    func receiveBatchEnded() {}

    func subscriberDidDisconnect(_ error: RedisError) { heard.withLockedValue { $0.failure = error } }
}
