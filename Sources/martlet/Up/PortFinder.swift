import Foundation
import NIOCore
import NIOPosix

/// Finds TCP ports that nobody listens on, and keeps other `martlet up` off them until they are bound.
///
/// Between looking and binding another program may be faster: then the child says so and `up` ends.
enum PortFinder {
    /// The first free port from `first` on that is not among `taken`; any free one where `first` is 0, or where a
    /// hundred are in use.
    static func free(from first: Int, host: String, taken: Set<Int>) async -> Int? {
        for port in first..<min(first + 100, 65_536) where !taken.contains(port) {
            if let port = await bound(host: host, port: port) { return port }
        }
        return await bound(host: host, port: 0)
    }

    /// Whether the port is free on that host.
    static func isFree(_ port: Int, host: String) async -> Bool { await bound(host: host, port: port) != nil }

    private static func bound(host: String, port: Int) async -> Int? {
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        guard let channel = try? await bootstrap.bind(host: host, port: port).get() else { return nil }
        let port = channel.localAddress?.port
        try? await channel.close()
        return port.flatMap { reserve($0) ? $0 : nil }
    }

    /// Marks a port as this process's own for as long as the process lives; false where another one has it.
    private static func reserve(_ port: Int) -> Bool {
        let path = "\(NSTemporaryDirectory())/martlet-up-\(getuid())-port-\(port).lock"
        // The path is copied by the call.
        let descriptor = unsafe open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        // Without a place for the mark the look at the port has to do.
        guard descriptor >= 0 else { return true }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return false
        }
        return true
    }
}
