internal import NIOCore
internal import RedisClient
internal import RedisProtocol
public import RelayCore

extension RedisDirectory {
    /// Writes who came and went on this edge, and publishes what is news to the whole relay.
    ///
    /// The number of people is exact up to 2000 entries; in a larger room a user on two edges counts twice.
    public func announce(
        _ changes: [PresenceChange], in room: RoomID, completion: @escaping (Result<PresenceTold, Refusal>) -> Void
    ) {
        announce(changes[...], in: room, isSettled: false, completion)
    }

    private func announce(
        _ changes: ArraySlice<PresenceChange>, in room: RoomID, isSettled: Bool,
        _ completion: @escaping (Result<PresenceTold, Refusal>) -> Void
    ) {
        let edges = PresenceCall.Edges(own: edge, living: census.others, dead: census.dead, isSettled: isSettled)
        let taken = changes.prefix(PresenceCall.changesMax)
        let arguments = PresenceCall.announcing(taken, in: room, edges: edges, publishCommand: "PUBLISH")
        call(Scripts.presence, arguments, in: room, doing: "telling who is there") { [self] outcome in
            switch outcome {
            case .failure(let refusal): completion(.failure(refusal))
            case .success(.unknownEdge):
                readEdges { [self] outcome in
                    switch outcome {
                    case .failure(let refusal): completion(.failure(refusal))
                    case .success: announce(changes, in: room, isSettled: true, completion)
                    }
                }
            case .success(.told(let present, _, let owesSummary)):
                let rest = changes.dropFirst(taken.count)
                guard rest.isEmpty else { return announce(rest, in: room, isSettled: false, completion) }
                completion(.success(PresenceTold(here: present, owesSummary: owesSummary)))
            }
        }
    }

    /// Takes the entries of dead edges out of a room and publishes who left with them, once over all edges.
    public func bury(_ edges: [EdgeID], in room: RoomID, completion: @escaping (Result<Int, Refusal>) -> Void) {
        let arguments = PresenceCall.burying(edges, in: room, own: edge, publishCommand: "PUBLISH")
        call(Scripts.bury, arguments, in: room, doing: "taking out a dead edge") { [faults] outcome in
            completion(
                outcome.flatMap { reply in
                    guard case .told(let present, _, _) = reply else {
                        return .failure(faults.unreadableReply(doing: "taking out a dead edge"))
                    }
                    return .success(present)
                })
        }
    }

    /// Who is in the room over all edges that are not dead, sorted by user.
    public func who(_ room: RoomID, completion: @escaping (Result<[Occupant], Refusal>) -> Void) {
        var active: [RESPValue] = []
        // In front of what it belongs to, by the same connection.
        reads.send(RedisCommand("HGETALL", keys.active(in: room))) { outcome in
            active = (try? outcome.get())?.array ?? []
        }
        reads.send(RedisCommand("HGETALL", keys.here(in: room))) { [self] outcome in
            switch outcome {
            case .failure(let error): completion(.failure(faults.refusal(for: error, doing: "reading who is there")))
            case .success(let value):
                let (entries, foreignCount) = PresenceEntries.read(value.array ?? [], active: active)
                faults.foreignEntries(foreignCount)
                let isKnown = { [census, edge] (entry: PresenceEntries.Entry) in
                    entry.edge == edge || census.others.contains(entry.edge) || census.dead.contains(entry.edge)
                }
                guard !entries.allSatisfy(isKnown) else {
                    return completion(.success(occupants(entries)))
                }
                readEdges { [self] outcome in
                    completion(outcome.map { occupants(entries) })
                }
            }
        }
    }

    private func occupants(_ entries: [PresenceEntries.Entry]) -> [Occupant] {
        PresenceEntries.occupants(entries.filter(isPresent), now: clock.milliseconds)
    }

    private func isPresent(_ entry: PresenceEntries.Entry) -> Bool {
        entry.edge == edge || census.others.contains(entry.edge)
    }

    private func call(
        _ script: RedisScript, _ arguments: RedisArguments, in room: RoomID, doing task: StaticString,
        _ completion: @escaping (Result<PresenceCall.Reply, Refusal>) -> Void
    ) {
        posts.evaluate(script, keys: PresenceCall.keys(of: room, in: keys), arguments: arguments) { [self] outcome in
            switch outcome {
            case .failure(let error): completion(.failure(faults.refusal(for: error, doing: task)))
            case .success(let value):
                guard let reply = PresenceCall.Reply(value) else {
                    return completion(.failure(faults.unreadableReply(doing: task)))
                }
                if case .told(_, isForgotten: true, _) = reply { list.remove(room) }
                completion(.success(reply))
            }
        }
    }

    /// Reads which edges there are; one that is not among them is dead and forgotten.
    private func readEdges(_ completion: @escaping (Result<Void, Refusal>) -> Void) {
        posts.send(RedisCommand("ZRANGE", keys.edges, "0", "-1")) { [self] outcome in
            switch outcome {
            case .failure(let error): completion(.failure(faults.refusal(for: error, doing: "reading the edges")))
            case .success(let value):
                guard let edges = HeartbeatCall.edges(value) else {
                    return completion(.failure(faults.unreadableReply(doing: "reading the edges")))
                }
                census.listRead(edges)
                completion(.success(()))
            }
        }
    }
}
