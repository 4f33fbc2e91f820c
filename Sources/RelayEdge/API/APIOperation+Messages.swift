import HTTPTypes

/// What can be asked of messages.
extension APIOperation {
    private static let messages = "/v1/rooms/{room}/messages"

    static let ofMessages: [APIOperation] = [
        APIOperation(
            name: .readMessages, method: .get, path: messages, summary: "The messages of a room, ascending.",
            parameters: [.room, .before, .after, .limit],
            answers: [.json(200, .history, "A page of them.")] + APIAnswer.problems(400, 401, 403, 404, 429, 503)),
        APIOperation(
            name: .sendMessage, method: .post, path: messages,
            summary: "Says something in a room. Never a command. A room that does not exist comes into being.",
            parameters: [.room, .idempotencyKey], body: .message,
            answers: [
                .json(200, .envelope, "A repeat: the envelope of the first one."),
                APIAnswer(
                    status: 201, meaning: "It is stored: its envelope.", content: .json(.envelope), next: .ofMessage),
            ] + APIAnswer.problems(400, 401, 403, 404, 413, 415, 429, 503)),
        APIOperation(
            name: .editMessage, method: .patch, path: messages + "/{message}",
            summary: "Gives a message another text. For its author and admins.",
            parameters: [.room, .message, .idempotencyKey], body: .edit,
            answers: [.json(200, .envelope, "It is edited: the envelope of the edit.")]
                + APIAnswer.problems(400, 401, 403, 404, 413, 415, 429, 503)),
        APIOperation(
            name: .deleteMessage, method: .delete, path: messages + "/{message}",
            summary: "Takes a message away. For its author and admins.",
            parameters: [.room, .message, .idempotencyKey],
            answers: [.json(200, .envelope, "It is gone: the envelope of the deletion.")]
                + APIAnswer.problems(400, 401, 403, 404, 415, 429, 503)),
        APIOperation(
            name: .sendDirect, method: .post, path: "/v1/direct/{to}/messages",
            summary: "Says something to one user alone.", parameters: [.to, .idempotencyKey], body: .directMessage,
            answers: [
                directAnswer(200, "A repeat: the envelope of the first one."),
                directAnswer(201, "It is stored: its envelope."),
            ] + APIAnswer.problems(400, 401, 403, 413, 415, 429, 503)),
        APIOperation(
            name: .readEvents, method: .get, path: eventsPath,
            summary: "What is said in a room, as it is said: server-sent events.",
            parameters: [.room, .lastEventID, .since, .epoch, .history, .wait],
            answers: [APIAnswer(status: 200, meaning: "The events, until one of both goes.", content: .events)]
                + APIAnswer.problems(400, 401, 403, 404, 429, 503)),
    ]

    private static func directAnswer(_ status: Int, _ meaning: String) -> APIAnswer {
        APIAnswer(
            status: status, meaning: meaning, content: .json(.envelope),
            headers: [("Martlet-Online", "Whether the other one has a session on any edge: true or false.")],
            next: status == 201 ? .ofMessage : nil)
    }
}

/// What operators and programs ask of an edge itself.
extension APIOperation {
    static let ofOperators: [APIOperation] = [
        APIOperation(
            name: .webSocket, method: .get, path: "/v1/ws", summary: "Where WebSockets begin.",
            answers: [APIAnswer(status: 101, meaning: "It is a WebSocket from here on.")]
                + APIAnswer.problems(400, 401, 403, 426, 429, 503)),
        APIOperation(
            name: .openAPI, method: .get, path: "/v1/openapi.json", summary: "This description.",
            answers: [.json(200, .description, "It.")] + APIAnswer.problems(400, 401, 403, 429)),
        APIOperation(
            name: .index, method: .get, path: "/", summary: "The web client.",
            answers: [.text("text/html", "A page.")] + APIAnswer.problems(403)),
        APIOperation(
            name: .live, method: .get, path: "/health/live", summary: "Whether the process answers.",
            answers: [.json(200, .health, "It does.")] + APIAnswer.problems(403)),
        APIOperation(
            name: .ready, method: .get, path: "/health/ready",
            summary: "Whether a probe comes back through Redis, and which hop fails where it does not.",
            answers: [
                .json(200, .health, "It does."), .json(503, .health, "It does not, or the edge is about to end."),
            ] + APIAnswer.problems(403)),
        APIOperation(
            name: .metrics, method: .get, path: "/metrics", summary: "Figures for Prometheus.",
            answers: [.text("text/plain", "They.")] + APIAnswer.problems(403, 404)),
    ]
}
