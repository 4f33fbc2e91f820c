import Foundation
import RelayProcess
import Testing

@Suite("A program that is started", .serialized)
struct SpawnedProcessTests {
    @Test("tells how it ended", arguments: [("exit 3", SpawnedProcess.End.exit(3)), ("kill -9 $$", .signal(9))])
    func ends(script: String, end: SpawnedProcess.End) throws {
        let process = try SpawnedProcess(["/bin/sh", "-c", script])
        #expect(process.waitForEnd() == end)
        #expect(process.waitForEnd() == end, "it may be asked again until it is reaped")
        process.reap()
        #expect(kill(process.pid, 0) != 0)
    }

    @Test("has the three descriptors that it is given, and no other")
    func descriptors() throws {
        let kept = Pipe()
        defer { withExtendedLifetime(kept) {} }
        let said = try said(by: ["/bin/sh", "-c", "ls /proc/self/fd | tr '\\n' ' '"])
        // The fourth is the listing's own.
        #expect(said == "0 1 2 3 ")
    }

    @Test("has the variables that it is given, and no other")
    func environment() throws {
        #expect(try said(by: ["/usr/bin/env"], environment: ["COLOUR": "blue"]) == "COLOUR=blue\n")
    }

    @Test("has no signal blocked, and a process group of its own")
    func signals() throws {
        // C's interface to signal sets.
        var blocked = sigset_t()
        unsafe sigemptyset(&blocked)
        unsafe sigaddset(&blocked, SIGTERM)
        var before = sigset_t()
        unsafe pthread_sigmask(SIG_BLOCK, &blocked, &before)
        // Back as it was.
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        #expect(try said(by: ["/bin/grep", "SigBlk", "/proc/self/status"]) == "SigBlk:\t0000000000000000\n")
        #expect(try said(by: ["/bin/sh", "-c", "[ $$ = $(ps -o pgid= $$) ] && echo own"]) == "own\n")
    }

    @Test("that is not there is an error with its name")
    func missing() {
        let failure = #expect(throws: SpawnFailure.self) { try SpawnedProcess(["/no/such/program"]) }
        #expect(failure?.description == "/no/such/program does not start: No such file or directory")
    }

    @Test("starts however many descriptors are open here")
    func manyDescriptors() throws {
        // C's interface: a structure to fill in.
        var limit = rlimit()
        unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = max(limit.rlim_cur, min(limit.rlim_max, 4096))
        unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let opened = try (0..<1400).map { _ in try #require(FileHandle(forReadingAtPath: "/dev/null")) }
        defer { withExtendedLifetime(opened) {} }
        for _ in 0..<50 {
            let process = try SpawnedProcess(["/bin/true"])
            #expect(process.waitForEnd() == .exit(0))
            process.reap()
        }
    }

    private func said(by command: [String], environment: [String: String]? = nil) throws -> String {
        let pipe = Pipe()
        let process = try SpawnedProcess(
            command, environment: environment, output: pipe.fileHandleForWriting.fileDescriptor)
        try pipe.fileHandleForWriting.close()
        let text = try pipe.fileHandleForReading.readToEnd() ?? Data()
        _ = process.waitForEnd()
        process.reap()
        return String(decoding: text, as: UTF8.self)
    }
}
