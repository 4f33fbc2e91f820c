import HTTPTypes
import Hummingbird
import NIOCore
import RelayCore
import RelayWire

/// What routes read from a request, each with the refusal that fits.
extension Request {
    /// The room that the path names.
    static func room(in context: some RequestContext) throws -> RoomID {
        guard let text = pathPart("room", in: context) else { throw Refusal(.badRoom, "room: not a room id.") }
        guard let room = RoomID(text) else {
            // Two people with themselves, or in the wrong order: well written, but no such conversation can be.
            let people = text.dropFirst(3).split(separator: "+", omittingEmptySubsequences: false)
            if text.hasPrefix("dm:"), people.count == 2, people.allSatisfy({ UserID($0) != nil }) {
                throw Refusal.noSuchRoom
            }
            throw Refusal(.badRoom, "room: not a room id.")
        }
        return room
    }

    /// The user that the path names.
    static func user(in context: some RequestContext) throws -> UserID {
        guard let text = pathPart("to", in: context), let user = UserID(text) else {
            throw Refusal(.badRequest, "to: not a user id.")
        }
        return user
    }

    /// The message that the path names.
    static func message(in context: some RequestContext) throws -> MessageID {
        guard let text = pathPart("message", in: context), let id = MessageID(text) else {
            throw Refusal(.badRequest, "message: not a message id.")
        }
        return id
    }

    private static func pathPart(_ name: String, in context: some RequestContext) -> String? {
        context.parameters.get(name).flatMap { PercentCoding.decoded($0, blanks: false) }
    }

    /// Who asks, where one may also ask without a name.
    func claimedReader() throws -> Identity? {
        if QueryItems(uri.query ?? "")["user"] != nil { return try claimedIdentity() }
        _ = try claimedName()
        return nil
    }

    /// Who asks, where nobody has to prove it: `?user=`, and `?name=` for what people see.
    func claimedIdentity() throws -> Identity {
        let items = QueryItems(uri.query ?? "")
        guard let text = items["user"] else { throw Refusal(.unauthorized, "user: say who you are with ?user=.") }
        guard let user = UserID(text) else { throw Refusal(.badRequest, "user: not a user id.") }
        return Identity(user: user, name: try claimedName() ?? DisplayName(user))
    }

    /// `?name=`; nil where there is none.
    func claimedName() throws -> DisplayName? {
        guard let text = QueryItems(uri.query ?? "")["name"] else { return nil }
        guard let name = DisplayName(text) else { throw Refusal(.badRequest, "name: not a display name.") }
        return name
    }

    /// The span that `before`, `after` and `limit` in the query mean.
    func span() throws -> HistorySpan {
        let items = QueryItems(uri.query ?? "")
        let limit = try limit(max: Limits.pageMessagesMax) ?? Limits.historyDefault
        switch (try id(items["before"], "before"), try id(items["after"], "after")) {
        case (nil, nil): return .latest(limit: limit)
        case (let before?, nil): return .before(before, limit: limit)
        case (nil, let after?): return .after(after, limit: limit)
        case (_?, _?): throw Refusal(.badRequest, "before and after exclude each other.")
        }
    }

    /// A whole number of the query from 0 up, cut to `max`; nil where it is absent.
    func count(_ name: String, max: Int) throws -> Int? {
        guard let text = QueryItems(uri.query ?? "")[name] else { return nil }
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            throw Refusal(.badRequest, "\(name): not a number from 0 up.")
        }
        return min(Int(text) ?? max, max)
    }

    /// How much of a list is wanted, at most `max`; nil where that is not said.
    func limit(max: Int) throws -> Int? {
        guard let limit = try count("limit", max: max) else { return nil }
        guard limit > 0 else { throw Refusal(.badRequest, "limit: not a number from 1 up.") }
        return limit
    }

    /// The part of who is in a room that `after` and `limit` in the query mean.
    func occupantPage() throws -> OccupantPage {
        var page = OccupantPage.first
        if let text = QueryItems(uri.query ?? "")["after"] {
            guard let user = UserID(text) else { throw Refusal(.badRequest, "after: not a user id.") }
            page.after = user
        }
        page.limit = try limit(max: page.limit) ?? page.limit
        return page
    }

    /// The part of a conversation list that `after` and `limit` in the query mean.
    func conversationPage() throws -> ConversationPage {
        var page = ConversationPage.first
        if let text = QueryItems(uri.query ?? "")["after"] {
            guard let place = ConversationPlace(text) else {
                throw Refusal(.badRequest, "after: not what an answer said in next.")
            }
            page.after = place
        }
        page.limit = try limit(max: page.limit) ?? page.limit
        return page
    }

    /// From where the reader of events wants the room: what its browser had last, what it says, or from now on.
    func joinPoint() throws -> JoinPoint {
        let items = QueryItems(uri.query ?? "")
        let last = headers[.lastEventID].flatMap { $0.isEmpty ? nil : $0 }
        // Both have to be ids, also where only one of them counts.
        let first = try id(items["since"], "since")
        let since = try id(last, "Last-Event-ID") ?? first
        let epoch = try count("epoch", max: .max)
        let limit = try count("history", max: Limits.pageMessagesMax) ?? 0
        return since.map { .since($0, epoch: epoch.map { UInt64($0) }) } ?? .history(limit: limit)
    }

    /// The mark of what is posted: `Idempotency-Key`, else the `nonce` of the body.
    func nonce(orIn fields: FieldReader) throws -> Nonce? {
        let named = try fields.nonce("nonce")
        return try idempotencyKey() ?? named
    }

    /// The mark of what is posted without a body.
    func idempotencyKey() throws -> Nonce? {
        guard let key = headers[.idempotencyKey] else { return nil }
        guard let nonce = Nonce(key) else {
            throw Refusal(.badRequest, "Idempotency-Key: not 1 to \(Limits.nonceBytesMax) printable ASCII bytes.")
        }
        return nonce
    }

    private func id(_ text: String?, _ name: String) throws -> MessageID? {
        guard let text else { return nil }
        guard let id = MessageID(text) else { throw Refusal(.badRequest, "\(name): not a message id.") }
        return id
    }

    /// Refuses a request that does not say that it is JSON.
    func requireJSON() throws {
        let type = headers[.contentType]?.split(separator: ";").first.map { $0.lowercased() }
        guard type?.trimmingSuffixBlanks() == "application/json" else {
            throw Problem(.unsupportedMediaType, Refusal(.badRequest, "Content-Type: not application/json."))
        }
    }

    /// The fields of a JSON body.
    ///
    /// `application/json` has to be said: a page of another site cannot send that without asking first.
    func fields() async throws -> FieldReader {
        try requireJSON()
        if let coding = headers[.contentEncoding], coding.lowercased() != "identity" {
            throw Problem(
                .unsupportedMediaType, Refusal(.badRequest, "Content-Encoding: bodies are taken as they are."))
        }
        let bytes: ByteBuffer
        do {
            bytes = try await body.collect(upTo: Limits.bodyBytesMax)
        } catch is NIOTooManyBytesError {
            throw Problem(
                .contentTooLarge, Refusal(.tooLarge, "A body may have \(Limits.bodyBytesMax) bytes."))
        }
        do {
            return FieldReader(try JSONReader.object(from: bytes, depthMax: Limits.jsonDepthMax))
        } catch {
            throw CommandDecoder.refusal(for: error)
        }
    }
}

extension HTTPField.Name {
    /// `Idempotency-Key`: the nonce of a send.
    static var idempotencyKey: HTTPField.Name { HTTPField.Name("Idempotency-Key") ?? .ifMatch }
    /// `Last-Event-ID`: what a reader of events had last.
    static var lastEventID: HTTPField.Name { HTTPField.Name("Last-Event-ID") ?? .ifRange }
}

extension String {
    fileprivate func trimmingSuffixBlanks() -> Substring {
        self[...].prefix { $0 != " " && $0 != "\t" }
    }
}
