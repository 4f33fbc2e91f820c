internal import RelayCore

/// How far rooms are behind that have no turns, since their files cannot be written.
extension ArchiveWorker {
    /// Looks at those of the rooms in which something was said since they were looked at so, at most `walkRoomsMax`;
    /// the others have their turn with the next call.
    func measure(_ active: [RoomActivity]) async throws(StreamSourceError) {
        var left = configuration.walkRoomsMax
        for activity in active where held.shard.owns(activity.room) {
            guard left > 0, !isStopping else { return }
            let (room, moment) = (activity.room, activity.milliseconds)
            guard rooms[room].map({ $0.measured != moment && !$0.isQuiet(at: moment) }) ?? true else { continue }
            left -= 1
            let count = try await countBehind(room)
            _ = work(on: room)
            rooms[room]?.measured(count, at: moment)
        }
    }

    /// Nil where nobody can tell: a look at one room that Redis refuses must not hold up the others.
    private func countBehind(_ room: RoomID) async throws(StreamSourceError) -> UInt64? {
        do {
            // Above all that it holds: only where the room stands is wanted.
            let end = MessageID(milliseconds: .max, sequence: .max)
            guard let standing = try await source.look(at: room, from: end, limit: 1).standing else { return 0 }
            let archived = standing.archived?.seq ?? 0
            return standing.seq > archived ? standing.seq - archived : 0
        } catch {
            if case .refused = error { return nil }
            throw error
        }
    }
}
