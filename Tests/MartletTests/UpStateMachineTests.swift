import Testing

@testable import martlet

@Suite("What `martlet up` does when")
struct UpStateMachineTests {
    private let edges: [UpStateMachine.Role] = [.edge(1), .edge(2)]

    private let stopping = UpStateMachine.Action.complain("stopping; once more kills")

    private func running() -> UpStateMachine {
        var machine = UpStateMachine(edges: 2)
        #expect(machine.begun() == [.start([.redis])])
        #expect(machine.ready(.redis) == [.start(edges + [.archiver])])
        #expect(machine.ready(.edge(2)) == [])
        #expect(machine.ready(.archiver) == [])
        #expect(machine.ready(.edge(1)) == [.announce])
        return machine
    }

    @Test("Ctrl-C ends edges, then the archiver, then Redis, and then it is over")
    func order() {
        var machine = running()
        #expect(machine.stopRequested() == [stopping, .terminate(edges, stage: 0, within: .seconds(10))])
        #expect(machine.exited(.edge(2), "exit 0") == [])
        #expect(machine.exited(.edge(1), "exit 0") == [.terminate([.archiver], stage: 1, within: .seconds(20))])
        #expect(machine.exited(.archiver, "exit 0") == [.terminate([.redis], stage: 2, within: .seconds(30))])
        #expect(machine.exited(.redis, "exit 0") == [.exit(0)])
        #expect(machine.stopRequested() == [])
    }

    @Test("A child that ends by itself ends everything, with 1")
    func unexpectedEnd() {
        var machine = running()
        #expect(
            machine.exited(.redis, "signal 9") == [
                .complain("redis ended by itself (signal 9); stopping everything"),
                .terminate(edges, stage: 0, within: .seconds(10)),
            ])
        _ = machine.exited(.edge(1), "exit 0")
        #expect(machine.exited(.edge(2), "exit 0") == [.terminate([.archiver], stage: 1, within: .seconds(20))])
        #expect(machine.exited(.archiver, "exit 0") == [.exit(1)])
    }

    @Test("A child that does not end in time is killed, and the next group's turn comes with its end")
    func late() {
        var machine = running()
        _ = machine.stopRequested()
        _ = machine.exited(.edge(1), "exit 0")
        #expect(
            machine.deadlinePassed(stage: 0) == [.complain("edge-2 did not end in time; killed"), .kill([.edge(2)])])
        #expect(machine.exited(.edge(2), "signal 9") == [.terminate([.archiver], stage: 1, within: .seconds(20))])
        #expect(machine.deadlinePassed(stage: 0) == [])
    }

    @Test("A second Ctrl-C kills what is left")
    func impatience() {
        var machine = running()
        _ = machine.stopRequested()
        _ = machine.exited(.edge(1), "exit 0")
        #expect(
            machine.stopRequested() == [
                .complain("killing what is left"), .kill([.edge(2), .archiver, .redis]),
            ])
    }

    @Test("Ctrl-C before Redis is there ends Redis alone")
    func earlyStop() {
        var machine = UpStateMachine(edges: 1)
        _ = machine.begun()
        #expect(machine.stopRequested() == [stopping, .terminate([.redis], stage: 2, within: .seconds(30))])
        #expect(machine.ready(.redis) == [])
        #expect(machine.exited(.redis, "exit 0") == [.exit(0)])
    }

    @Test("Who is not ready in time is named")
    func slowStart() {
        var machine = UpStateMachine(edges: 2)
        _ = machine.begun()
        _ = machine.ready(.redis)
        _ = machine.ready(.edge(1))
        #expect(
            machine.startDeadlinePassed() == [
                .complain("not ready in time: archiver, edge-2"), .terminate(edges, stage: 0, within: .seconds(10)),
            ])
        var started = running()
        #expect(started.startDeadlinePassed() == [])
    }

    @Test("A program that cannot be started is named, with why")
    func failedStart() {
        var machine = UpStateMachine(edges: 1)
        _ = machine.begun()
        #expect(
            machine.failedToStart(.redis, "no such file") == [
                .complain("redis did not start: no such file"), .exit(1),
            ])
    }

    @Test("It ends also where several cannot be started, one after the other")
    func failedStarts() {
        var machine = UpStateMachine(edges: 2)
        _ = machine.begun()
        _ = machine.ready(.redis)
        #expect(machine.failedToStart(.edge(1), "no").first == .complain("edge-1 did not start: no"))
        #expect(
            machine.failedToStart(.edge(2), "no").contains {
                if case .terminate([.archiver], _, _) = $0 { true } else { false }
            })
        #expect(
            machine.failedToStart(.archiver, "no").contains {
                if case .terminate([.redis], _, _) = $0 { true } else { false }
            })
        #expect(machine.exited(.redis, "0") == [.exit(1)])
    }
}
