internal import NIOCore
public import RelayCore

/// Proves an archive complete: numbers without a hole but the recorded ones, ids that ascend, days as they were closed.
public struct ArchiveVerifier: Sendable {
    private let directory: String

    /// A verifier of the archive in `directory`.
    public init(directory: String) {
        self.directory = directory
    }

    /// Reads everything. The archiver may be at work meanwhile: an unfinished line at the very end is none of anybody's
    /// business but its own.
    ///
    /// - Parameters:
    ///   - only: the room to read; nil for all. Of a room without a folder the report counts no room.
    ///   - progress: told after each day's file.
    /// - Throws: where the directory itself cannot be read.
    public func verify(
        _ only: RoomID? = nil, progress: (ArchiveProgress) -> Void = { _ in }
    ) throws(SegmentError) -> ArchiveReport {
        guard let names = try FileSystem.folders(in: directory) else {
            throw SegmentError(call: "opendir", path: directory, reason: "No such directory")
        }
        let folders = names.compactMap { name in RoomFolder.room(named: name).map { (name: name, room: $0) } }
            .filter { only == nil || only == $0.room }
        var report = ArchiveReport()
        for (name, room) in folders {
            let found = prove(room, name) { lines in
                progress(
                    ArchiveProgress(rooms: report.rooms, roomsInAll: folders.count, lines: report.lines + lines))
            }
            report.rooms += 1
            report.add(found)
        }
        return report
    }

    /// What the archiver, or `archive prune`, does to a room while it is read may look like damage. Then it is read
    /// once more, and again, as long as something is done to it.
    private func prove(_ room: RoomID, _ name: String, fileRead: (UInt64) -> Void) -> ArchiveReport {
        let folder = "\(directory)/\(name)"
        var report = ArchiveReport()
        for _ in 0..<Self.attemptsMax {
            let before = Self.outline(of: folder)
            var proof = RoomProof(room: room, folder: folder, name: name)
            do { try proof.run(fileRead: fileRead) } catch {
                proof.report.findings.append(.init(place: name, problem: "\(error)"))
            }
            report = proof.report
            if report.findings.isEmpty || Self.outline(of: folder) == before { break }
        }
        return report
    }

    private static let attemptsMax = 3

    /// What changes when days are closed, opened again or removed.
    private static func outline(of folder: String) -> [String] {
        let names = (try? FileSystem.names(in: folder)) ?? []
        let manifest = try? ManifestFile.read(in: folder, with: FileSegmentOpener(isSyncing: false))
        return names + [manifest?.lastHash ?? ""]
    }
}
