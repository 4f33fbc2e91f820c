internal import RedisClient
internal import RedisProtocol
public import RelayCore

/// What an edge leaves behind when it dies: people in rooms that nobody else may ever open.
extension RedisDirectory {
    /// Rooms in one command.
    private static let roomsMax = 1000
    /// Rooms of a dead edge that are taken to be looked after at once.
    private static let burialsMax = 100

    /// Writes into `chat:edge:EDGE:rooms` in which rooms this edge has people.
    public func note(_ change: OccupancyChange, completion: @escaping (Refusal?) -> Void) {
        let commands =
            commands("SADD", keys.rooms(of: edge), change.occupied)
            + commands("SREM", keys.rooms(of: edge), change.empty)
        var open = commands.count
        var failure: Refusal?
        guard open > 0 else { return completion(nil) }
        for command in commands {
            posts.send(command) { [faults] outcome in
                if case .failure(let error) = outcome {
                    failure = faults.refusal(for: error, doing: "noting in which rooms there are people")
                }
                open -= 1
                if open == 0 { completion(failure) }
            }
        }
    }

    private func commands(_ name: String, _ key: String, _ rooms: Set<RoomID>) -> [RedisCommand] {
        let all = rooms.map(\.description)
        return stride(from: 0, to: all.count, by: Self.roomsMax).map { start in
            var command = RedisCommand(name, key)
            command.append(contentsOf: all[start..<min(start + Self.roomsMax, all.count)])
            return command
        }
    }

    /// Takes rooms out of the dead edge's set, as every living edge does until it is empty, and its people out of them.
    public func bury(_ dead: EdgeID, completion: @escaping (Refusal?) -> Void) {
        posts.send(RedisCommand("SPOP", keys.rooms(of: dead), "\(Self.burialsMax)")) { [self] outcome in
            switch outcome {
            case .failure(let error): completion(faults.refusal(for: error, doing: "taking out a dead edge"))
            case .success(let value):
                let rooms = Set((value.array ?? []).compactMap { $0.string.flatMap { RoomID($0) } })
                guard !rooms.isEmpty else {
                    burials.ended(dead, now: RedisClock.now)
                    return completion(nil)
                }
                bury(dead, in: rooms, completion: completion)
            }
        }
    }

    private func bury(_ dead: EdgeID, in rooms: Set<RoomID>, completion: @escaping (Refusal?) -> Void) {
        var open = rooms.count
        var left: Set<RoomID> = []
        var failure: Refusal?
        for room in rooms {
            bury([dead], in: room) { [self] result in
                if case .failure(let refusal) = result {
                    left.insert(room)
                    failure = refusal
                }
                open -= 1
                guard open == 0 else { return }
                guard let failure else { return bury(dead, completion: completion) }
                // For whoever tries again.
                for command in commands("SADD", keys.rooms(of: dead), left) { posts.send(command) { _ in } }
                completion(failure)
            }
        }
    }
}
