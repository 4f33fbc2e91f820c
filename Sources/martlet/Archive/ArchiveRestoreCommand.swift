import ArgumentParser
import Foundation
import Logging
import NIOPosix
import RedisClient
import RelayArchive
import RelayCore
import RelayRedis
import RelaySettings
import RelayWire

/// `martlet archive restore`: a room out of its files, back into a Redis that has lost it.
struct ArchiveRestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Put a room back into a Redis that has lost it, with the same ids and numbers.",
        discussion: """
            The newest messages go into the room's stream, and the room is again what room.json says: its name, who \
            made it and when, its topic, its members. Edges and the archiver may run meanwhile; they see no room or \
            the whole one. A room in which something was said since is left alone. Gap lines stay gaps. Files that \
            are not as they were written are refused, by all that `martlet archive verify` looks at. Where several \
            rooms had the id one after the other, the last one is put back, with what was said in it.

            User and password of Redis: in the URL, or MARTLET_REDIS_USERNAME and MARTLET_REDIS_PASSWORD. The user \
            needs every right on the room's keys.

            Exit codes: 0 restored, 1 not restored, with a line that says why, 64 a wrong setting.

            Examples:
              martlet archive restore DIR general --dry-run
              martlet archive restore DIR dm:alice+bob --all
            """)

    @Argument(help: ArgumentHelp("The directory of the archive.", valueName: "DIR"), completion: .directory)
    var directory: String

    @Argument(help: ArgumentHelp("The room.", valueName: "ROOM"))
    var room: RoomArgument

    @OptionGroup var redis: DirectRedisOptions

    @Option(help: ArgumentHelp("How many of the newest messages.", valueName: "N"))
    var keep = 1000

    @Flag(help: "All messages, however many.")
    var all = false

    @Option(
        help: ArgumentHelp(
            "Of several rooms that had the id one after the other, the one that was created at this time, in ms.",
            valueName: "MS"))
    var createdAt: UInt64?

    @Flag(help: "Put back what can be read, though the files are not as they were written.")
    var despiteFindings = false

    @Flag(help: "Say what would be done, and do nothing.")
    var dryRun = false

    /// Messages that are in memory at a time.
    private static let pageMessages = 500

    func run() async throws {
        let directory = try ArchiveDirectory.checked(directory)
        let most = all ? Int.max : try Checked.number("--keep", keep, in: 1...Int.max)
        let keys = try redis.keys()
        let redis = try DirectRedis(self.redis, clientName: "martlet-restore")
        do {
            try await restore(ArchiveReader(directory: directory), atMost: most, into: redis.client, keys)
        } catch let error as Refusal {
            await redis.close()
            Console.complain(PlainText.cleaned(error.reason))
            throw ExitCode(1)
        } catch let error as SegmentError {
            await redis.close()
            Console.complain(PlainText.cleaned("\(error)"))
            throw ExitCode(1)
        } catch {
            await redis.close()
            Console.complain(PlainText.cleaned("\(redis.configuration): \(error)"))
            throw ExitCode(1)
        }
        await redis.close()
    }

    private struct Refusal: Error {
        var reason: String
    }

    private func restore(
        _ reader: ArchiveReader, atMost most: Int, into client: RedisClient, _ keys: KeySpace
    ) async throws {
        let room = room.id
        let unknown = Refusal(reason: "no room \(room) in \(directory)")
        guard try reader.rooms().contains(room) else { throw unknown }
        guard let record = try reader.record(of: room), record.room == room.description else {
            throw Refusal(
                reason: "\(room): its room.json is missing or damaged, so nobody can say who may read it; nothing was "
                    + "changed")
        }
        guard let meant = createdAt.map(record.room) ?? record.present else {
            let times = record.creationTimes.map(String.init).joined(separator: ", ")
            throw Refusal(
                reason: "\(room): none was created at \(createdAt ?? 0), but at \(times); nothing was changed")
        }
        guard
            let plan = try reader.restorePlan(of: room, record, createdAt: meant.createdAt, messagesMax: most)
        else { throw unknown }
        let restorer = ArchivedRoomRestorer(client: client, keys: keys, room: room, token: UUID().uuidString)
        try await client.waitUntilReady(deadline: .seconds(5))
        let present = try await restorer.messageCount()
        guard present == 0 else { throw Self.occupied(room, present) }
        try prove(room)
        var text = RestoreText(
            room: room, plan: plan, meant: meant,
            others: record.creationTimes.filter { $0 != meant.createdAt })
        if dryRun { return Console.say(text.plan) }
        do {
            text.content.count = try await stage(plan, reader, restorer)
            let charter = RoomCharter(meant, of: record)
            switch try await restorer.finish(charter, count: text.content.count, end: plan.end) {
            case .restored(let epoch, let seq): Console.say(text.done(epoch: epoch, seq: seq))
            case .occupied(let messages): throw Self.occupied(room, messages)
            case .lapsed:
                throw Refusal(reason: "\(room): what was written to Redis did not stay there; nothing was changed")
            }
        } catch {
            await restorer.abandon()
            throw error
        }
    }

    private static func occupied(_ room: RoomID, _ messages: Int) -> Refusal {
        Refusal(reason: "\(room) has messages in Redis (\(messages)); nothing was changed")
    }

    /// What is put back counts as what was said, so it has to be what was written.
    private func prove(_ room: RoomID) throws {
        var row = ProgressRow()
        let report = try ArchiveVerifier(directory: directory).verify(room) { progress in
            row.tell(done: progress.lines, of: nil, "\(progress.lines) lines looked at")
        }
        row.clear()
        guard let first = report.findings.first else { return }
        let rest = report.findings.count > 1 ? ", and \(report.findings.count - 1) more" : ""
        let found = "\(room): the files are not as they were written: \(first)\(rest)"
        guard despiteFindings else {
            throw Refusal(
                reason: "\(found); `martlet archive verify` says all, with --despite-findings what can be read is put "
                    + "back; nothing was changed")
        }
        Console.complain(PlainText.cleaned(found))
    }

    private func unwritten(_ id: MessageID) -> Refusal {
        Refusal(
            reason: "\(room.id): \(id) is no message as it was written; with --despite-findings the others are put "
                + "back; nothing was changed")
    }

    /// Returns how many there are now.
    private func stage(
        _ plan: RestorePlan, _ reader: ArchiveReader, _ restorer: ArchivedRoomRestorer
    ) async throws -> Int {
        var (left, position, staged) = (plan.count, MessageID?.none, 0)
        var row = ProgressRow()
        defer { row.clear() }
        var page = try reader.read(plan, of: room.id, after: nil, limit: min(left, Self.pageMessages))
        while !page.frames.isEmpty {
            let messages = try page.frames.compactMap { frame in
                let message = try? ServerFrameDecoder.message(from: frame.envelope).message
                if let message, EnvelopeEncoder.envelope(of: message) == frame.envelope { return message }
                // A line that was no envelope when its day was closed is as it was closed.
                guard despiteFindings else { throw unwritten(frame.id) }
                Console.complain("\(room.id): \(frame.id) is no message as it was written, and is left out")
                return nil
            }
            if !messages.isEmpty { try await restorer.stage(messages) }
            staged += messages.count
            left -= page.frames.count
            position = page.frames.last?.id ?? position
            let done = plan.count - left
            row.tell(done: UInt64(done), of: UInt64(plan.count), "\(done) of \(plan.count) messages")
            guard left > 0 else { break }
            page = try reader.read(plan, of: room.id, after: position, limit: min(left, Self.pageMessages))
        }
        return staged
    }
}

extension RoomCharter {
    /// One of the rooms of a record.
    init(_ room: FormerRoom, of record: RoomRecord) {
        self.init()
        name = room.name ?? record.room
        createdBy = room.createdBy ?? ""
        topic = room.topic ?? ""
        createdAt = room.createdAt
        isPrivate = room.isPrivate
        members = room.members
        epoch = record.epoch ?? 0
    }
}
