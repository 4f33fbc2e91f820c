public import RelayCore

/// Reads the fields of an op or of an HTTP body, each with the refusal that fits.
public struct FieldReader {
    private let object: JSONObject

    /// A reader of that object.
    public init(_ object: JSONObject) {
        self.object = object
    }

    /// A string; nil where it is absent.
    public func string(_ key: String) throws(Refusal) -> String? {
        do { return try object.string(key) } catch { throw Self.refusal(error) }
    }

    /// The value, which must be there.
    public func required<Value>(_ key: String, _ value: Value?) throws(Refusal) -> Value {
        guard let value else { throw Refusal(.badRequest, "\(key): missing.") }
        return value
    }

    /// The room of an op.
    public func room() throws(Refusal) -> RoomID {
        let text = try required("room", string("room"))
        guard let room = RoomID(text) else { throw Refusal(.badRoom, "room: not a room id.") }
        return room
    }

    /// A user id; nil where it is absent.
    public func user(_ key: String) throws(Refusal) -> UserID? {
        guard let text = try string(key) else { return nil }
        guard let user = UserID(text) else { throw Refusal(.badRequest, "\(key): not a user id.") }
        return user
    }

    /// A display name; nil where it is absent.
    public func name(_ key: String) throws(Refusal) -> DisplayName? {
        guard let text = try string(key) else { return nil }
        guard let name = DisplayName(text) else {
            throw Refusal(.badRequest, "\(key): not 1 to \(Limits.nameBytesMax) bytes without control characters.")
        }
        return name
    }

    /// A nonce; nil where it is absent.
    public func nonce(_ key: String) throws(Refusal) -> Nonce? {
        guard let text = try string(key) else { return nil }
        guard let nonce = Nonce(text) else {
            throw Refusal(.badRequest, "\(key): not 1 to \(Limits.nonceBytesMax) printable ASCII bytes.")
        }
        return nonce
    }

    /// A message id; nil where it is absent.
    public func id(_ key: String) throws(Refusal) -> MessageID? {
        guard let text = try string(key) else { return nil }
        guard let id = MessageID(text) else { throw Refusal(.badRequest, "\(key): not a message id.") }
        return id
    }

    /// Words: 1 to `bytesMax` bytes without NUL.
    public func text(_ key: String, bytesMax: Int) throws(Refusal) -> String {
        let text = try required(key, string(key))
        let count = text.utf8.count
        guard count > 0 else { throw Refusal(.badRequest, "\(key): empty.") }
        guard count <= bytesMax else { throw Refusal(.tooLarge, "\(key): \(count) bytes, \(bytesMax) are allowed.") }
        guard !JSONByteScan.hasNUL(text) else { throw Refusal(.badRequest, "\(key): holds NUL.") }
        return text
    }

    /// A truth value; nil where it is absent.
    public func bool(_ key: String) throws(Refusal) -> Bool? {
        do { return try object.bool(key) } catch { throw Self.refusal(error) }
    }

    /// User ids; nil where they are absent.
    public func users(_ key: String) throws(Refusal) -> [UserID]? {
        let names: [String]?
        do { names = try object.strings(key) } catch { throw Self.refusal(error) }
        guard let names else { return nil }
        guard names.count <= Limits.membersNamedMax else {
            throw Refusal(.badRequest, "\(key): more than \(Limits.membersNamedMax) users.")
        }
        var users: [UserID] = []
        for name in names {
            guard let user = UserID(name) else { throw Refusal(.badRequest, "\(key): not user ids.") }
            users.append(user)
        }
        return users
    }

    /// A topic, which may be empty; nil where it is absent.
    public func topic() throws(Refusal) -> String? {
        guard let topic = try string("topic") else { return nil }
        guard topic.utf8.count <= Limits.topicBytesMax else {
            throw Refusal(.tooLarge, "topic: \(topic.utf8.count) bytes, \(Limits.topicBytesMax) are allowed.")
        }
        guard !topic.utf8.contains(0) else { throw Refusal(.badRequest, "topic: holds NUL.") }
        return topic
    }

    /// The room that `room name private members topic` describe.
    public func plan() throws(Refusal) -> RoomPlan {
        let room = try room()
        guard room.directUsers == nil else { throw Refusal(.badRoom, "room: that of a direct conversation.") }
        let isPrivate = try bool("private") ?? false
        let members = try users("members") ?? []
        guard isPrivate || members.isEmpty else {
            throw Refusal(.badRequest, "members: only a private room has members.")
        }
        return RoomPlan(
            room: room, name: try name("name"), isPrivate: isPrivate, members: members, topic: try topic() ?? "")
    }

    /// A whole number from 0 up, cut to `max`; nil where it is absent.
    public func count(_ key: String, max: Int) throws(Refusal) -> Int? {
        let value: Int64?
        do { value = try object.integer(key) } catch { throw Self.refusal(error) }
        guard let value else { return nil }
        guard value >= 0 else { throw Refusal(.badRequest, "\(key): below 0.") }
        return Int(min(value, Int64(max)))
    }

    /// The span that `before` or `after` and `limit` mean.
    public func span() throws(Refusal) -> HistorySpan {
        let limit = try count("limit", max: Limits.pageMessagesMax) ?? Limits.historyDefault
        guard limit > 0 else { throw Refusal(.badRequest, "limit: below 1.") }
        switch (try id("before"), try id("after")) {
        case (nil, nil): return .latest(limit: limit)
        case (let before?, nil): return .before(before, limit: limit)
        case (nil, let after?): return .after(after, limit: limit)
        case (_?, _?): throw Refusal(.badRequest, "before and after exclude each other.")
        }
    }

    /// The part of who is in a room that `after` and `limit` mean.
    public func occupantPage() throws(Refusal) -> OccupantPage {
        OccupantPage(after: try user("after"), limit: try limit(Limits.whoMax))
    }

    /// The part of a conversation list that `after` and `limit` mean.
    public func conversationPage() throws(Refusal) -> ConversationPage {
        var after: ConversationPlace?
        if let text = try string("after") {
            guard let place = ConversationPlace(text) else {
                throw Refusal(.badRequest, "after: not what an answer said in next.")
            }
            after = place
        }
        return ConversationPage(after: after, limit: try limit(Limits.conversationsListed))
    }

    private func limit(_ max: Int) throws(Refusal) -> Int {
        let limit = try count("limit", max: max) ?? max
        guard limit > 0 else { throw Refusal(.badRequest, "limit: below 1.") }
        return limit
    }

    private static func refusal(_ error: JSONTypeError) -> Refusal {
        Refusal(.badRequest, "\(error.key): not of type \(error.expected).")
    }
}
