import Foundation
import RelayTestKit

/// Counts what an edge asks of its C library, by `Tests/CostCounter`: calls that read, write and wait, and allocations.
/// These numbers are the same on every machine, fast or slow, busy or not.
struct CostCounter {
    /// So many of each since the edge started, or between two moments.
    struct Counts: Equatable {
        var allocations = 0.0
        var writes = 0.0
        var reads = 0.0
        var waits = 0.0
        var controls = 0.0

        static func - (later: Counts, earlier: Counts) -> Counts {
            Counts(
                allocations: later.allocations - earlier.allocations, writes: later.writes - earlier.writes,
                reads: later.reads - earlier.reads, waits: later.waits - earlier.waits,
                controls: later.controls - earlier.controls)
        }

        static func / (counts: Counts, number: Double) -> Counts {
            Counts(
                allocations: counts.allocations / number, writes: counts.writes / number,
                reads: counts.reads / number, waits: counts.waits / number, controls: counts.controls / number)
        }
    }

    /// What an edge's environment has to hold.
    let environment: [String: String]
    private let path: String

    /// Compiles the counter into a directory.
    init(in directory: String) async throws {
        let library = "\(directory)/counter.so"
        path = "\(directory)/costs"
        let compiler = Executable.path(of: "clang") == nil ? "cc" : "clang"
        _ = try await Executable.run(
            compiler,
            [
                "-shared", "-fPIC", "-O2", "-w", "-o", library,
                "\(FinishedCommand.packageRoot)/Tests/CostCounter/counter.c",
            ])
        environment = ["LD_PRELOAD": library, "MARTLET_COST_FILE": path]
    }

    /// What was counted so far.
    var counts: Counts {
        get throws {
            let data = try Data(contentsOf: URL(fileURLWithPath: path))
            var numbers: [Double] = []
            for start in stride(from: 0, to: data.count - 7, by: 8) {
                var number: UInt64 = 0
                for offset in (0..<8).reversed() { number = number << 8 | UInt64(data[start + offset]) }
                numbers.append(Double(number))
            }
            guard numbers.count == 5 else { throw NeverHappened(description: "five counts in \(path)") }
            return Counts(
                allocations: numbers[0], writes: numbers[1], reads: numbers[2], waits: numbers[3], controls: numbers[4])
        }
    }
}
