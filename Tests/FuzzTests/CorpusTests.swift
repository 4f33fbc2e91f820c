import Foundation
import Testing

@Suite("Every input that the fuzzers were given, or found")
struct CorpusTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus")

    private static func inputs(of target: FuzzTarget) throws -> [(name: String, bytes: [UInt8])] {
        let folder = folder.appending(path: target.rawValue)
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map { name in
            (name, Array(try Data(contentsOf: folder.appending(path: name))))
        }
    }

    @Test("keeps the properties of its parser", arguments: FuzzTarget.allCases)
    func corpus(_ target: FuzzTarget) throws {
        let inputs = try Self.inputs(of: target)
        #expect(inputs.count >= 5, "the corpus of \(target) was not found")
        for (name, bytes) in inputs {
            #expect(throws: Never.self, "\(target)/\(name)") { try target.check(bytes) }
        }
    }

    @Test("keeps them cut short, and with each byte changed", arguments: FuzzTarget.allCases)
    func damaged(_ target: FuzzTarget) throws {
        for (name, bytes) in try Self.inputs(of: target) where bytes.count <= 150 {
            for index in bytes.indices {
                var changed = bytes
                changed[index] ^= UInt8(truncatingIfNeeded: 1 << (index % 8))
                #expect(throws: Never.self, "\(target)/\(name), byte \(index)") { try target.check(changed) }
            }
            for place in Cuts.places(in: bytes) {
                #expect(throws: Never.self, "\(target)/\(name), \(place) bytes") {
                    try target.check(Array(bytes[..<place]))
                }
            }
        }
    }

    @Test("belongs to a parser that is fuzzed")
    func noStrangers() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
        #expect(Set(names) == Set(FuzzTarget.allCases.map(\.rawValue)))
    }
}
