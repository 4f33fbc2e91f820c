/// What goes through Redis, in the mode of that name.
extension FloorServer {
    /// A post that was handed to Redis and is not answered yet.
    struct Published {
        /// The connection that said it, by its place and its own number.
        let index: Int
        let serial: UInt64
        let ref: UInt64
        let seq: UInt64
    }

    /// Lets a connection in as soon as what is said in the room is heard.
    func joinThroughRedis(_ redis: FloorRedis, _ index: Int, _ number: Int) {
        switch rooms[number].hearing {
        case .heard: return admit(index, number)
        case .nothing:
            rooms[number].hearing = .asked
            redis.subscribe(number)
        case .asked: break
        }
        rooms[number].waiting.append((index, connections[index].serial))
    }

    /// Hands a message to Redis; it is written to the members when it comes back, and acknowledged when Redis has it.
    func publish(
        _ redis: FloorRedis, _ index: Int, _ number: Int, _ ref: UInt64, _ text: ArraySlice<UInt8>,
        name: ArraySlice<UInt8>, at now: UInt64
    ) {
        redis.publish(rooms[number].compose(text, room: name, at: now), room: number)
        published.append(
            Published(index: index, serial: connections[index].serial, ref: ref, seq: rooms[number].seq))
    }

    /// Takes what Redis says.
    func take(_ reply: FloorRedisReply, _ held: [UInt8]) {
        switch reply {
        case .message(let number, let range):
            guard rooms.indices.contains(number) else { return }
            rooms[number].hear(held[range])
            write(number)
        case .subscribed(let number):
            guard rooms.indices.contains(number) else { return }
            rooms[number].hearing = .heard
            let waiting = rooms[number].waiting
            rooms[number].waiting = []
            for (index, serial) in waiting where connections[index].serial == serial { admit(index, number) }
        case .published:
            guard let first = published.popFirst(), connections[first.index].serial == first.serial else { return }
            acknowledge(first.index, ref: first.ref, seq: first.seq)
        case .refused, .other: break
        }
    }
}
