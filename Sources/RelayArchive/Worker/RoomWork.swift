internal import Logging
internal import RelayCore

/// One room on its way into its files. All that it does with them, it does on the threads of its lane.
///
/// The worker gives it one turn at a time.
actor RoomWork {
    let room: RoomID
    private let shared: SharedByRooms
    private let lane: FileLane

    /// What the files are and where they stand; nil until they were looked at.
    var files: RoomFiles?
    /// What the turn under way has done so far.
    var report = TurnReport()

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        // The lane lives as long as this.
        unsafe lane.asUnownedSerialExecutor()
    }

    init(_ room: RoomID, lane: FileLane, shared: SharedByRooms) {
        self.room = room
        self.lane = lane
        self.shared = shared
    }

    nonisolated var configuration: ArchiveConfiguration { shared.configuration }
    nonisolated var held: HeldShard { shared.held }
    nonisolated var source: any StreamSource { shared.source }
    nonisolated var opener: any SegmentOpener { shared.opener }
    nonisolated var logger: Logger { shared.logger }
}

/// What is the same for all rooms of a worker, kept once.
final class SharedByRooms: Sendable {
    let configuration: ArchiveConfiguration
    let held: HeldShard
    let source: any StreamSource
    let opener: any SegmentOpener
    let logger: Logger

    init(
        _ configuration: ArchiveConfiguration, held: HeldShard, source: any StreamSource, opener: any SegmentOpener,
        logger: Logger
    ) {
        self.configuration = configuration
        self.held = held
        self.source = source
        self.opener = opener
        self.logger = logger
    }
}

/// The files of a room and what is to be done with them.
final class RoomFiles {
    let archive: RoomArchive
    var machine: ArchiveStateMachine
    /// The number up to which it was said that the stream lacks its end.
    var toldEnd: UInt64 = 0

    init(_ archive: RoomArchive) {
        self.archive = archive
        machine = ArchiveStateMachine(
            cursor: archive.cursor, knownEpoch: archive.record?.epoch, marker: archive.record?.marker)
    }
}
