internal import RedisClient
internal import RedisProtocol
internal import RelayCore

/// Questions of the archive's side, with the errors of its port.
extension RedisClient {
    /// Runs a command.
    func asked(_ command: RedisCommand) async throws(StreamSourceError) -> RESPValue {
        do { return try await execute(command) } catch { throw StreamSourceError(error) }
    }

    /// Runs a script.
    func asked(
        _ script: RedisScript, _ keys: [String], _ arguments: [String]
    ) async throws(StreamSourceError) -> RESPValue {
        do {
            return try await evaluate(script, keys: keys, arguments: RedisArguments(arguments))
        } catch {
            throw StreamSourceError(error)
        }
    }
}
