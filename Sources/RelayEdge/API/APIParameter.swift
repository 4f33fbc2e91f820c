/// What a request says beside its body, as OpenAPI describes it.
enum APIParameter: String, Sendable, CaseIterable {
    case room, to, message, user, name, scope, listLimit, afterPlace, afterUser, before, after, limit, since, epoch,
        history, wait
    case idempotencyKey, lastEventID

    /// The JSON of its description.
    var json: String {
        switch self {
        case .room: path("room", APISchema.roomID.reference, "Which room.")
        case .to: path("to", APISchema.userID.reference, "To whom.")
        case .message: path("message", APISchema.messageID.reference, "Which message.")
        case .user: query("user", APISchema.userID.reference, "Without authentication: who asks.")
        case .name:
            query("name", APISchema.displayName.reference, "Without authentication: the name people see.")
        case .scope:
            query(
                "scope", #""type":"string","enum":["mine","public"],"default":"mine""#,
                "Whose: one's own conversations, or the latest rooms that are not private.")
        case .listLimit:
            query("limit", #""type":"integer","minimum":1"#, "How many; 500 rooms or 1000 people come at most.")
        case .afterPlace:
            query("after", APISchema.place.reference, "Only what comes after: next of the answer before.")
        case .afterUser:
            query("after", APISchema.userID.reference, "Only who comes after: next of the answer before.")
        case .before: query("before", APISchema.messageID.reference, "Only what came before this one.")
        case .after:
            query("after", APISchema.messageID.reference, "Only what came after this one; not with before.")
        case .limit:
            query("limit", #""type":"integer","minimum":1,"default":50"#, "How many messages; at most 500 come.")
        case .since:
            query("since", APISchema.messageID.reference, "As Last-Event-ID, for the first connection.")
        case .epoch:
            query("epoch", #""type":"integer","minimum":0"#, "The epoch of the room that goes with the id.")
        case .history:
            query("history", #""type":"integer","minimum":0,"default":0"#, "The last messages first; at most 500 come.")
        case .wait:
            query("wait", #""type":"integer","minimum":0"#, "Ends the events after so many seconds, at most 300.")
        case .idempotencyKey:
            header("Idempotency-Key", APISchema.nonce.reference, "A repeat with the same is no second one.")
        case .lastEventID:
            header(
                "Last-Event-ID", #""anyOf":[{\#(APISchema.messageID.reference)},{"const":""}]"#,
                "Everything after this one, then on.")
        }
    }

    private func path(_ name: String, _ schema: String, _ meaning: String) -> String {
        #"{"name":"\#(name)","in":"path","required":true,"description":"\#(meaning)","schema":{\#(schema)}}"#
    }

    private func query(_ name: String, _ schema: String, _ meaning: String) -> String {
        #"{"name":"\#(name)","in":"query","description":"\#(meaning)","schema":{\#(schema)}}"#
    }

    private func header(_ name: String, _ schema: String, _ meaning: String) -> String {
        #"{"name":"\#(name)","in":"header","description":"\#(meaning)","schema":{\#(schema)}}"#
    }
}
