import Testing

/// Each rule meets something bad that it has to find and something close to it that it has to leave alone: a check that
/// cannot fail checks nothing.
@Suite("Each rule finds what it is for, and nothing else")
struct RuleTests {
    private func lines(_ rule: any Rule, _ path: String, _ text: String) -> [Int] {
        rule.findings(in: SourceFile(path: path, text: text)).map(\.line)
    }

    private let core = "Sources/RelayCore/A.swift"

    @Test("An import against the arrows is found, however it is written")
    func imports() {
        let rule = ImportRule()
        let bad = """
            import NIOCore
            public import Foundation
            @testable import RelayWire
            import struct NIOPosix.Thing
            internal import DequeModule
            let x = "import Foundation"  // import Foundation
            #if canImport(Foundation)
            """
        #expect(lines(rule, core, bad) == [2, 3, 4])
        #expect(lines(rule, "Sources/RelayEdge/A.swift", "import Foundation\nimport RedisClient") == [2])
        #expect(lines(rule, "Sources/RelayArchive/A.swift", "@_exported import RelayRedis") == [1])
        #expect(lines(rule, "Sources/RelayRedis/A.swift", "import FoundationEssentials\nimport NIOPosix") == [1])
        #expect(lines(rule, "Sources/RedisClient/A.swift", "import CHiredis") == [1])
        #expect(lines(rule, "Sources/RedisProtocol/A.swift", "internal import CHiredis") == [])
        #expect(lines(rule, "Tests/RelayEdgeTests/A.swift", "import Foundation\nimport CHiredis") == [2])
        #expect(lines(rule, "Sources/Newcomer/A.swift", "import NIOCore") == [1])
    }

    @Test("A dependency list against the arrows is found, and a target that is not declared")
    func manifest() {
        let manifest = """
            let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
            let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
            library("RelayCore", [nioCore, nioPosix]),
            library(
                "RelayEdge",
                [
                    "RelayWire", "RelayRedis", nioCore,
                ]),
            """
        let findings = ManifestRule().findings(in: SourceFile(path: "Package.swift", text: manifest)).map(\.detail)
        #expect(findings.contains("RelayCore may not use NIOPosix"))
        #expect(findings.contains("RelayEdge may not use RelayRedis"))
        #expect(findings.contains("no library(…) or program(…) declares martlet-edge"))
        #expect(!findings.contains { $0.contains("declares RelayCore") || $0.contains("NIOCore") })
    }

    @Test("A file that is too long is found; a state machine may be longer")
    func fileLength() {
        let rule = FileLengthRule()
        let text = { String(repeating: "x\n", count: $0) }
        #expect(lines(rule, core, text(300)) == [])
        #expect(lines(rule, core, text(301)) == [0])
        #expect(lines(rule, "Sources/RelayCore/SessionStateMachine.swift", text(500)) == [])
        #expect(lines(rule, "Sources/RelayCore/SessionStateMachine.swift", text(501)) == [0])
        #expect(lines(rule, "Sources/RelayRedis/post.lua", text(301)) == [0])
        #expect(lines(rule, "deploy/up", "#!/usr/bin/env bash\n" + text(300)) == [0])
        #expect(lines(rule, "Sources/RelayEdge/page.html", text(900)) == [])
    }

    @Test("A function that is too long is found, a requirement of a protocol is not")
    func functionLength() {
        let rule = FunctionLengthRule()
        let body = { String(repeating: "    work { }\n", count: $0) }
        #expect(lines(rule, core, "func a(\n) {\n\(body(57))}\n") == [])
        #expect(lines(rule, core, "struct A {\nfunc a(\n) {\n\(body(58))}\n}\n") == [2])
        #expect(lines(rule, core, "init() {\n\(body(70))}\n") == [1])
        let protocolText = "protocol P {\nfunc a()\n" + String(repeating: "func b() -> Int\n", count: 70) + "}\n"
        #expect(lines(rule, core, protocolText) == [])
    }

    @Test("A line that is too long is found, counted in characters")
    func lineLength() {
        let rule = LineLengthRule()
        #expect(lines(rule, core, String(repeating: "é", count: 120)) == [])
        #expect(lines(rule, core, "\n" + String(repeating: "x", count: 121)) == [2])
        #expect(lines(rule, "deploy/redis/redis.conf", String(repeating: "x", count: 121)) == [1])
        #expect(lines(rule, "deploy/redis/users.acl", String(repeating: "x", count: 500)) == [])
    }

    @Test("A library that prints is found; programs, methods and strings are left alone")
    func printing() {
        let rule = PrintRule()
        #expect(lines(rule, core, "print(1)\nlog.print(1)\nfunc print() {}\nlet s = \"print(1)\"\ndump (x)") == [1, 5])
        #expect(lines(rule, "Sources/martlet/A.swift", "print(1)") == [])
    }

    @Test("Force unwraps and their kin are found; `not` and `not equal` are left alone")
    func forcing() {
        let bad = "a!\nb()!.c\nd[0]!\ntry! e()\nf as! G\nvar h: I!\n\"\\(j!)\""
        #expect(lines(ForceRule(), core, bad) == [1, 2, 3, 4, 5, 6, 7])
        let good = "a != b\na!=b\n!a\n(!a)\nif !a {}\n\"a!\"\n// a!\nx = !y\n[!a]\n#if !os(Linux)"
        #expect(lines(ForceRule(), core, good) == [])
    }

    @Test("A lock that Thread Sanitizer does not see is found")
    func locks() {
        #expect(lines(LockRule(), core, "let a = Mutex(0)\nlet b: Mutex<Int>\n// Mutex\nlet c = \"Mutex\"") == [1, 2])
    }

    @Test("What looks away from the compiler is found where no comment is near")
    func unexplained() {
        let rule = UnexplainedRule()
        for bad in [
            "extension A: @unchecked Sendable {}", "nonisolated(unsafe) var a = 1", "fatalError(\"no\")", "unsafe f()",
        ] {
            #expect(lines(rule, core, bad) == [1])
            #expect(lines(rule, core, bad + "  // why") == [])
            #expect(lines(rule, core, "// why\n\n\n\n" + bad) == [])
            #expect(lines(rule, core, "// why\n\n\n\n\n" + bad) == [6])
        }
        #expect(lines(rule, core, "// why\n\n\nunsafe a()\n\n\nunsafe b()") == [])
    }

    @Test("A type name that says nothing is found, a word that merely contains one is not")
    func typeNames() {
        let rule = TypeNameRule()
        let bad = "struct RoomManager {}\nfinal class TextUtils {}\nenum BaseRoom {}\nprotocol RoomImpl {}"
        #expect(lines(rule, core, bad) == [1, 2, 3, 4])
        #expect(lines(rule, core, "struct Database {}\nstruct Implicit {}\nlet manager = FileManager.default") == [])
        #expect(lines(rule, "Sources/RelayCore/StringHelpers.swift", "") == [0])
    }

    @Test("Notes of unfinished work are found in comments, code and scripts, not in strings")
    func unfinished() {
        let rule = UnfinishedRule()
        let mark = "TO" + "DO"
        #expect(lines(rule, core, "// \(mark): x\nlet a = \"\(mark)\"\n/* x\n\(mark) */") == [1, 4])
        #expect(lines(rule, "deploy/up", "#!/bin/bash\n# \(mark)\nmktemp /tmp/a.XXXXXX") == [2])
    }

    @Test("A path of one machine is found, also inside a string")
    func machinePaths() {
        let rule = MachinePathRule()
        for folder in MachinePathRule.folders {
            #expect(lines(rule, core, "let a = \"\(folder)main\"") == [1])
            #expect(lines(rule, "deploy/up", "cd \(folder)") == [1])
            #expect(lines(rule, core, "let a = \"https://example.org\(folder)b\"\nlet b = \"./c\(folder)\"") == [])
        }
    }

    @Test("A suppression that can match nothing is found")
    func suppressions() {
        let rule = SuppressionRule()
        let text = "# race:$sA of the runtime\nrace:$sScc6resume\nrace:sScc6resume\nrace:^main$"
        #expect(lines(rule, "deploy/sanitizers/thread.supp", text) == [2])
        #expect(lines(rule, "deploy/up", text) == [])
    }

    @Test("A test that sleeps is found, but for the one place that polls")
    func sleeping() {
        let rule = SleepRule()
        let bad = "try await Task.sleep(for: .seconds(1))\nusleep(5)\nfunc sleep(until: Int) {}\n// sleep(1)"
        #expect(lines(rule, "Tests/RelayCoreTests/A.swift", bad) == [1, 2])
        #expect(lines(rule, "Tests/RelayTestKit/A.swift", bad) == [1, 2])
        #expect(lines(rule, "Tests/RelayTestKit/Eventually.swift", "func eventually() {\n" + bad + "}") == [])
        #expect(lines(rule, "Tests/RelayCoreTests/B.swift", "func eventually() {\n" + bad + "}") == [2, 3])
        #expect(lines(rule, core, bad) == [])
    }

    @Test("A stranger at the top level is found")
    func topLevel() {
        let names = TopLevelRule.topLevelNames(ofListing: "Sources/a/b.swift\0.ci/run\0notes.txt\0Package.swift\0")
        #expect(names == ["Sources", ".ci", "notes.txt", "Package.swift"])
        #expect(TopLevelRule.findings(names: names).map(\.path) == ["notes.txt"])
    }
}
