/// A redis-server process that cannot outlive this one; its directory goes with it.
final class ChildRedisServer {
    private let child: GuardedChild

    init(configurationPath: String, directory: String) throws {
        let log = "\(directory)/redis.log"
        child = try GuardedChild(
            command: ["redis-server", configurationPath], output: log, errorOutput: log, doomedDirectory: directory)
    }

    /// Gives an order and returns the line it was answered with: see `GuardedChild`.
    @discardableResult
    func give(_ order: String) throws -> String { try child.give(order) }

    /// Ends the server and removes the directory; returns when both are done.
    func close() { child.close() }
}
