import Foundation
import RelayTestKit
import Testing

/// What a run of `martlet bench` printed with `--json`.
struct BenchedRun {
    /// An edge that lets a few connections post for a thousand.
    static let edgeFlags = ["--rate", "1000000", "--burst", "1000000", "--user-rate", "1000000"]

    let exitCode: Int32
    let errorOutput: String
    let report: [String: Any]

    init(_ command: FinishedCommand) throws {
        exitCode = command.exitCode
        errorOutput = command.errorOutput
        let object = try? JSONSerialization.jsonObject(with: Data(command.output.utf8)) as? [String: Any]
        report = try #require(object, "\(command.output)\(command.errorOutput)")
    }

    func count(_ key: String) -> Int { report[key] as? Int ?? -1 }
    func number(_ key: String) -> Double { Self.number(key, of: report) }
    var floor: [String: Any] { report["floor"] as? [String: Any] ?? [:] }
    func floorNumber(_ key: String) -> Double { Self.number(key, of: floor) }
    var processes: [[String: Any]] { report["processes"] as? [[String: Any]] ?? [] }

    private static func number(_ key: String, of object: [String: Any]) -> Double {
        (object[key] as? NSNumber)?.doubleValue ?? .nan
    }
}

extension RelayWorld {
    /// Runs a bench against the edges at these ports of 127.0.0.1.
    ///
    /// - Parameters:
    ///   - user: whom Redis knows it as.
    ///   - descriptors: how many it may have; nil as many as this process.
    func bench(
        ports: [Int], _ arguments: [String], as user: GuardedRedis.User = .tester, descriptors: Int? = nil
    ) async throws -> FinishedCommand {
        let edges = ports.flatMap { ["--url", "ws://127.0.0.1:\($0)"] }
        return try await FinishedCommand.runAside(
            (descriptors.map { ["/bin/sh", "-c", #"ulimit -n \#($0); exec "$0" "$@""#] } ?? [])
                + ["\(RelayProgram.programsDirectory)/martlet", "bench", "--json", "--redis-url", redis.url] + edges
                + arguments,
            environment: [
                "HOME": "/nonexistent", "MARTLET_REDIS_USERNAME": user.rawValue,
                "MARTLET_REDIS_PASSWORD": user.password,
            ])
    }

    /// A section of what Redis says of itself.
    func pairsOfInfo(_ section: String) async throws -> [String: String] {
        var pairs: [String: String] = [:]
        for line in try await cli("INFO", section).split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
            if parts.count == 2 { pairs[parts[0]] = parts[1].trimmingCharacters(in: .whitespaces) }
        }
        return pairs
    }
}
