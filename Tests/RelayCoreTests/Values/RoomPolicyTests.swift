import RelayCore
import Testing

@Suite("Who may do what")
struct RoomPolicyTests {
    @Test(
        "A pattern stands for the rooms that its stars can be filled in for",
        arguments: [
            ("appointment:*", "appointment:7", true), ("appointment:*", "appointment:", true),
            ("appointment:*", "appointments", false), ("*", "general", true), ("general", "general", true),
            ("general", "generals", false), ("*:7", "appointment:7", true), ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false), ("**", "x", true), ("Team", "team", false), ("a*a", "a", false),
        ])
    func patterns(pattern: String, room: String, matches: Bool) throws {
        let room = try #require(RoomID(room) ?? RoomID(room + "x"))
        #expect(try #require(RoomPattern(pattern)).covers(room) == matches)
    }

    @Test("A pattern that could stand for nothing, or costs too much, is none")
    func badPatterns() {
        #expect(RoomPattern("") == nil)
        #expect(RoomPattern(String(repeating: "*", count: 133)) == nil)
        #expect(RoomPattern(String(repeating: "*", count: 132)) != nil)
    }

    @Test("A token's claims: rooms are read and written, read is read only, neither is everything")
    func claims() throws {
        let pattern = try #require(RoomPattern("team-*"))
        let (inside, outside) = (try #require(RoomID("team-1")), try #require(RoomID("other")))
        let rooms = Permissions(isAdmin: false, rooms: [pattern], read: nil)
        #expect(rooms.writable.contains(inside) && rooms.readable.contains(inside))
        #expect(!rooms.writable.contains(outside) && !rooms.readable.contains(outside))
        let read = Permissions(isAdmin: false, rooms: nil, read: [pattern])
        #expect(!read.writable.contains(inside) && read.readable.contains(inside) && !read.readable.contains(outside))
        #expect(Permissions.standard.writable == .every && Permissions.standard.readable == .every)
    }

    // MARK: The table

    enum Who: String, CaseIterable {
        case stranger, member, creator, admin, reader, outsider
    }

    enum Kind: String, CaseIterable {
        case open, closed, own, others
    }

    /// What each may do in each kind of room, in the order read, write, create, manage, moderate:
    /// `+` allowed, `f` forbidden, `-` no such room.
    private static let table: [Who: [Kind: String]] = [
        .stranger: [.open: "+++ff", .closed: "-----", .own: "++fff", .others: "-----"],
        .member: [.open: "+++ff", .closed: "+++ff", .own: "++fff", .others: "-----"],
        .creator: [.open: "++++f", .closed: "++++f", .own: "++fff", .others: "-----"],
        .admin: [.open: "+++++", .closed: "+++++", .own: "++fff", .others: "-----"],
        .reader: [.open: "+ffff", .closed: "-ffff", .own: "+ffff", .others: "-----"],
        .outsider: [.open: "fffff", .closed: "fffff", .own: "fffff", .others: "-----"],
    ]

    private func identity(_ who: Who) throws -> Identity {
        let user = try #require(UserID(who.rawValue))
        let everything = try #require(RoomPattern("*"))
        let nothing = try #require(RoomPattern("elsewhere"))
        let permissions: Permissions =
            switch who {
            case .stranger, .member, .creator: .standard
            case .admin: Permissions(isAdmin: true, rooms: nil, read: nil)
            case .reader: Permissions(isAdmin: false, rooms: nil, read: [everything])
            case .outsider: Permissions(isAdmin: false, rooms: [nothing], read: nil)
            }
        return Identity(user: user, name: DisplayName(user), permissions: permissions)
    }

    @Test("The authorisation table, every cell of it", arguments: Who.allCases, Kind.allCases)
    func cells(who: Who, kind: Kind) throws {
        let identity = try identity(who)
        let (alice, bob) = (try #require(UserID("alice")), try #require(UserID("bob")))
        let room: RoomID =
            switch kind {
            case .open, .closed: try #require(RoomID("room"))
            case .own: .direct(identity.user, alice)
            case .others: .direct(alice, bob)
            }
        let creator = try #require(UserID("creator"))
        let facts = RoomFacts(
            name: "room", createdBy: creator, createdAt: 1, isPrivate: kind == .closed,
            members: kind == .closed ? [creator, try #require(UserID("member"))] : [])
        let expected = try #require(Self.table[who]?[kind])
        var found = ""
        for operation in RoomPolicy.Operation.allCases {
            switch RoomPolicy.verdict(operation, in: room, by: identity, facts: facts) {
            case .allowed: found += "+"
            case .forbidden: found += "f"
            case .noSuchRoom: found += "-"
            }
        }
        #expect(found == expected, "\(who) in \(kind)")
    }
}

@Suite("A read marker")
struct ReadMarkerTests {
    @Test("counts what is unread by the room's numbers, and nothing of an earlier room of that name")
    func unread() {
        let marker = ReadMarker(id: MessageID(milliseconds: 100, sequence: 0), seq: 7)
        #expect(marker.unread(upTo: 10, createdAt: 50) == 3)
        #expect(marker.unread(upTo: 7, createdAt: 50) == 0)
        #expect(marker.unread(upTo: 5, createdAt: 50) == 0)
        #expect(marker.unread(upTo: 4, createdAt: 101) == 4)
        #expect(ReadMarker.none.unread(upTo: 4, createdAt: 101) == 4)
        #expect(ReadMarker.none.unread(upTo: 9, createdAt: 101, formerSeq: 7) == 2)
        #expect(marker.unread(upTo: 9, createdAt: 101, formerSeq: 8) == 1)
        #expect(marker.unread(upTo: 9, createdAt: 50, formerSeq: 4) == 2)
    }
}
