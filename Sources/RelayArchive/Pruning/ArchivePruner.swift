public import RelayCore

/// Removes days from the archive, so that what is gone can be told from what is lost.
///
/// The manifest says so first, in a line of its own that is on the disk before the first file goes; so a crash in
/// between leaves files that the next run takes away. The archiver may be at work meanwhile: a closed day is not
/// written to, and both add to the manifest under its lock.
public struct ArchivePruner: Sendable {
    private let directory: String
    private let opener = FileSegmentOpener()

    /// A pruner of the archive in `directory`.
    public init(directory: String) {
        self.directory = directory
    }

    /// Removes the closed days of a room that lie before a day; without `isReal` it only says which.
    ///
    /// - Parameter milliseconds: the time, for the manifest.
    public func prune(
        _ room: RoomID, before: Segment, at milliseconds: UInt64, isReal: Bool
    ) throws(SegmentError) -> PruneReport {
        let folder = "\(directory)/\(RoomFolder.name(of: room))"
        guard isReal else {
            return try plan(ManifestFile.read(in: folder, with: opener), in: folder, before: before).report
        }
        // A room without closed days has no manifest, and gets none here.
        guard FileSystem.exists("\(folder)/\(Manifest.fileName)") else {
            return try plan(Manifest(), in: folder, before: before).report
        }
        try ManifestFile.renew(in: folder, with: opener, isWaiting: true)
        let file = try ManifestFile(folder: folder, opener: opener, isWaiting: true)
        var manifest = try file.read()
        let length = manifest.length
        let plan = try plan(manifest, in: folder, before: before)
        if !plan.due.isEmpty {
            let line = manifest.appending(.pruned(before: before.description), plan.due, at: milliseconds)
            try file.append(line, behind: length)
        }
        for name in plan.due + plan.leftovers { try FileSystem.remove("\(folder)/\(name)") }
        if !(plan.due + plan.leftovers).isEmpty { try FileSystem.syncFolder(folder) }
        // The lock is held until the files are gone.
        _ = consume file
        return plan.report
    }

    private struct Plan {
        var report = PruneReport()
        /// Files to name in the manifest, then to remove.
        var due: [String] = []
        /// Files that an earlier run named and did not get to.
        var leftovers: [String] = []
    }

    private func plan(_ manifest: Manifest, in folder: String, before: Segment) throws(SegmentError) -> Plan {
        var plan = Plan()
        if let flaw = manifest.flaws.first {
            plan.report.kept.append(.init(file: Manifest.fileName, reason: "line \(flaw.line) \(flaw.problem)"))
            return plan
        }
        let files = (try FileSystem.names(in: folder) ?? []).compactMap { Segment(fileName: $0) }.sorted()
        for segment in files where segment < before {
            let name = segment.fileName
            guard let day = manifest.days[name], day.state != .reopened else {
                plan.report.kept.append(.init(file: name, reason: "not closed yet"))
                continue
            }
            guard try isAsClosed(day.entry, in: folder) else {
                let reason =
                    day.state == .pruned ? "written to again, and not closed yet" : "changed since it was closed"
                plan.report.kept.append(.init(file: name, reason: reason))
                continue
            }
            if day.state == .pruned { plan.leftovers.append(name) } else { plan.due.append(name) }
            plan.report.days += 1
            plan.report.lines += day.entry.lines
            plan.report.bytes += day.entry.bytes
        }
        return plan
    }

    /// What is not as it was closed is somebody's to look at, not ours to remove.
    private func isAsClosed(_ entry: ManifestEntry, in folder: String) throws(SegmentError) -> Bool {
        let sink = try opener.open("\(folder)/\(entry.file)", isNew: false)
        defer { sink.close() }
        return try SegmentDigest(sink).entry(of: entry.file, previous: entry.previous) == entry
    }
}

/// What came of pruning.
public struct PruneReport: Sendable, Equatable {
    /// A day that stays although it lies before the date.
    public struct Kept: Sendable, Equatable {
        /// Its file.
        public var file: String
        /// Why.
        public var reason: String
    }

    /// Files that were removed, or would be.
    public var days = 0
    /// Lines in them.
    public var lines: UInt64 = 0
    /// Bytes in them.
    public var bytes: UInt64 = 0
    /// What stays.
    public var kept: [Kept] = []

    /// Nothing.
    public init() {}
}
