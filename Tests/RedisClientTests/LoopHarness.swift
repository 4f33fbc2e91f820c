import Logging
import NIOCore
import NIOPosix
import RedisProtocol
import RelayTestKit
import NIOConcurrencyHelpers
import Testing

@testable import RedisClient

/// The outcome of a command, as it can leave its event loop.
typealias Outcome = Result<RESPValue, RedisError>

/// A commander with an event loop, callable from a test.
final class CommanderHarness: Sendable {
    let loop: any EventLoop
    let log = LogCapture()
    private let box: NIOLoopBoundBox<RedisCommander?>

    init(
        _ configuration: RedisConfiguration, on loop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next()
    ) async throws {
        self.loop = loop
        box = .makeEmptyBox(eventLoop: loop)
        try await loop.submit { [self] in
            let commander = try RedisCommander(
                configuration: configuration, eventLoop: loop, logger: log.logger())
            box.value = commander
            commander.start()
        }.get()
    }

    /// Runs on the loop, in one tick.
    func onLoop<Value: Sendable>(_ body: @escaping @Sendable (RedisCommander) throws -> Value) async throws -> Value {
        try await loop.submit { [box] in try body(#require(box.value)) }.get()
    }

    func ready() async throws {
        try await eventually("the commander is ready") { try await onLoop { $0.isReady } }
    }

    func send(_ command: RedisCommand, deadline: Duration? = nil) async throws -> Outcome {
        try await sendAll([command], deadline: deadline)[0]
    }

    /// Sends all in one tick and returns the outcomes in the order in which they came, with the numbers of commands.
    func sendAll(_ commands: [RedisCommand], deadline: Duration? = nil) async throws -> [Outcome] {
        let outcomes = NIOLockedValueBox<[(Int, Outcome)]>([])
        try await onLoop { commander in
            for (index, command) in commands.enumerated() {
                commander.send(command, deadline: deadline) { outcome in
                    outcomes.withLockedValue { $0.append((index, outcome)) }
                }
            }
        }
        try await eventually("every command has an outcome") { outcomes.withLockedValue { $0.count } == commands.count }
        #expect(outcomes.withLockedValue { $0.map(\.0) } == Array(commands.indices))
        return outcomes.withLockedValue { $0.map(\.1) }
    }

    func evaluate(_ script: RedisScript, key: String, _ arguments: [[String]]) async throws -> [Outcome] {
        let outcomes = NIOLockedValueBox<[Outcome]>([])
        try await onLoop { commander in
            for list in arguments {
                commander.evaluate(script, keys: [key], arguments: RedisArguments(list)) { outcome in
                    outcomes.withLockedValue { $0.append(outcome) }
                }
            }
        }
        try await eventually("every call has an outcome") { outcomes.withLockedValue { $0.count } == arguments.count }
        return outcomes.withLockedValue { $0 }
    }

    func close() async throws {
        let isClosed = NIOLockedValueBox(false)
        try await onLoop { $0.close { isClosed.withLockedValue { $0 = true } } }
        try await eventually("the commander is closed") { isClosed.withLockedValue { $0 } }
    }
}

/// A subscriber with an event loop and a delegate that notes what it hears.
final class SubscriberHarness: Sendable {
    private final class Delegate: RedisSubscriberDelegate {
        let heard: @Sendable (String) -> Void
        init(_ heard: @escaping @Sendable (String) -> Void) { self.heard = heard }
        func subscriberDidConnect() { heard("connected") }
        func subscribed(channelName: String) { heard("subscribed \(channelName)") }
        func received(payload: ByteBuffer, on channelName: String) {
            heard("\(channelName): \(String(buffer: payload))")
        }
        func receiveBatchEnded() { heard("batch") }
        func subscriberDidDisconnect(_ error: RedisError) { heard("disconnected") }
    }

    private struct Held {
        let subscriber: RedisSubscriber
        let delegate: Delegate
    }

    let loop: any EventLoop
    let log = LogCapture()
    private let lines = NIOLockedValueBox<[String]>([])
    private let box: NIOLoopBoundBox<Held?>

    init(
        _ configuration: RedisConfiguration, probeInterval: Duration = .seconds(10),
        probeDeadline: Duration = .seconds(5), on loop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next()
    ) async throws {
        self.loop = loop
        box = .makeEmptyBox(eventLoop: loop)
        try await loop.submit { [self] in
            let subscriber = try RedisSubscriber(
                configuration: configuration, probeInterval: probeInterval, probeDeadline: probeDeadline,
                eventLoop: loop,
                logger: log.logger())
            let delegate = Delegate { [self] line in lines.withLockedValue { $0.append(line) } }
            subscriber.delegate = delegate
            box.value = Held(subscriber: subscriber, delegate: delegate)
            subscriber.start()
        }.get()
    }

    var heard: [String] { lines.withLockedValue { $0 } }

    func note(_ line: String) { lines.withLockedValue { $0.append(line) } }

    func forget() { lines.withLockedValue { $0 = [] } }

    func onLoop<Value: Sendable>(_ body: @escaping @Sendable (RedisSubscriber) throws -> Value) async throws -> Value {
        try await loop.submit { [box] in try body(#require(box.value).subscriber) }.get()
    }

    func hears(_ line: String) async throws {
        try await eventually("the subscriber hears \(line)") { heard.contains(line) }
    }

    func close() async throws {
        try await onLoop { $0.close() }
        try await loop.submit { [box] in box.value = nil }.get()
    }
}
