import HTTPTypes

/// What can be asked of rooms.
extension APIOperation {
    private static let room = "/v1/rooms/{room}"

    static let ofRooms: [APIOperation] = [
        APIOperation(
            name: .listRooms, method: .get, path: "/v1/rooms",
            summary: "The conversation list of who asks, the newest first, with what is unread; or public rooms.",
            parameters: [.scope, .listLimit, .afterPlace],
            answers: [.json(200, .roomList, "The rooms.")] + APIAnswer.problems(400, 401, 403, 429, 503)),
        APIOperation(
            name: .createRoom, method: .post, path: "/v1/rooms", summary: "Makes a room.", body: .roomPlan,
            answers: [
                APIAnswer(
                    status: 201, meaning: "It is made.", content: .json(.roomMade),
                    headers: [("Location", "Where it is.")], next: .ofRoom)
            ] + APIAnswer.problems(400, 401, 403, 409, 413, 415, 429, 503)),
        APIOperation(
            name: .readRoom, method: .get, path: room, summary: "A room, with its members where it is private.",
            parameters: [.room],
            answers: [.json(200, .room, "The room.")] + APIAnswer.problems(400, 401, 403, 404, 429, 503)),
        APIOperation(
            name: .changeRoom, method: .patch, path: room,
            summary: "Changes a room's name, topic, privacy or members. For its creator and admins.",
            parameters: [.room], body: .roomChange,
            answers: [.json(200, .room, "The room as it is now.")]
                + APIAnswer.problems(400, 401, 403, 404, 413, 415, 429, 503)),
        APIOperation(
            name: .deleteRoom, method: .delete, path: room, summary: "Deletes a room. For its creator and admins.",
            parameters: [.room],
            answers: [APIAnswer(status: 204, meaning: "It is gone.")]
                + APIAnswer.problems(400, 401, 403, 404, 415, 429, 503)),
        APIOperation(
            name: .readMembers, method: .get, path: room + "/members", summary: "Who is in a room, over all edges.",
            parameters: [.room, .listLimit, .afterUser],
            answers: [.json(200, .occupants, "The people.")] + APIAnswer.problems(400, 401, 403, 404, 429, 503)),
        APIOperation(
            name: .markRead, method: .put, path: room + "/read",
            summary: "Moves the read marker of who asks; it never goes back.", parameters: [.room], body: .marking,
            answers: [.json(200, .marked, "Where it stands.")]
                + APIAnswer.problems(400, 401, 403, 404, 413, 415, 429, 503)),
    ]
}
