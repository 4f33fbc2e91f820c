import HTTPTypes
import Hummingbird
import NIOCore
import RelayCore
import RelayWire

/// What routes read from a request, each with the refusal that fits.
extension Request {
    /// The room that the path names.
    static func room(in context: some RequestContext) throws -> RoomID {
        guard let text = context.parameters.get("room").flatMap({ PercentCoding.decoded($0, blanks: false) }),
            let room = RoomID(text)
        else {
            throw Refusal(.badRoom, "room: not a room id.")
        }
        return room
    }

    /// Who asks, where nobody has to prove it: `?user=`, and `?name=` for what people see.
    func claimedIdentity() throws -> Identity {
        let items = QueryItems(uri.query ?? "")
        guard let text = items["user"] else { throw Refusal(.unauthorized, "user: say who you are with ?user=.") }
        guard let user = UserID(text) else { throw Refusal(.badRequest, "user: not a user id.") }
        guard let nameText = items["name"] else { return Identity(user: user, name: DisplayName(user)) }
        guard let name = DisplayName(nameText) else { throw Refusal(.badRequest, "name: not a display name.") }
        return Identity(user: user, name: name)
    }

    /// The span that `before`, `after` and `limit` in the query mean.
    func span() throws -> HistorySpan {
        let items = QueryItems(uri.query ?? "")
        let limit = try limit(items, default: Limits.historyDefault, max: Limits.pageMessagesMax)
        switch (try id(items["before"], "before"), try id(items["after"], "after")) {
        case (nil, nil): return .latest(limit: limit)
        case (let before?, nil): return .before(before, limit: limit)
        case (nil, let after?): return .after(after, limit: limit)
        case (_?, _?): throw Refusal(.badRequest, "before and after exclude each other.")
        }
    }

    /// The part of who is in a room that `after` and `limit` in the query mean.
    func occupantPage() throws -> OccupantPage {
        let items = QueryItems(uri.query ?? "")
        var page = OccupantPage.first
        if let text = items["after"] {
            guard let user = UserID(text) else { throw Refusal(.badRequest, "after: not a user id.") }
            page.after = user
        }
        page.limit = try limit(items, default: Limits.whoMax, max: Limits.whoMax)
        return page
    }

    private func limit(_ items: QueryItems, default fallback: Int, max: Int) throws -> Int {
        guard let text = items["limit"] else { return fallback }
        guard let value = Int(text), value > 0 else { throw Refusal(.badRequest, "limit: not a number from 1 up.") }
        return min(value, max)
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

extension String {
    fileprivate func trimmingSuffixBlanks() -> Substring {
        self[...].prefix { $0 != " " && $0 != "\t" }
    }
}
