import HTTPTypes

/// One thing that can be asked for over HTTP: how it is asked, and how it may be answered.
///
/// The table of them is what the routes are made from and what the OpenAPI description says: there is no second list.
struct APIOperation: Sendable {
    /// The operations by name.
    enum Name: String, Sendable, CaseIterable {
        case index, live, ready, metrics, webSocket, openAPI
        case listRooms, createRoom, readRoom, changeRoom, deleteRoom, readMembers, markRead
        case readMessages, sendMessage, editMessage, deleteMessage, sendDirect, readEvents
    }

    let name: Name
    let method: HTTPRequest.Method
    /// With `{room}` and the like where it varies.
    let path: String
    let summary: String
    var parameters: [APIParameter] = []
    /// The shape of its body; nil where it takes none.
    var body: APISchema?
    var answers: [APIAnswer]

    static let eventsPath = "/v1/rooms/{room}/events"

    /// All of them, in the order of their description.
    static let all: [APIOperation] = ofRooms + ofMessages + ofOperators

    /// The methods of a path as a request names it; nil where there is nothing at it.
    static func methods(of path: String) -> [HTTPRequest.Method]? {
        let parts = path.split(separator: "/")
        var methods: [HTTPRequest.Method] = []
        for operation in all {
            let pattern = operation.path.split(separator: "/")
            guard pattern.count == parts.count,
                zip(pattern, parts).allSatisfy({ $0 == $1 || $0.hasPrefix("{") }),
                !methods.contains(operation.method)
            else { continue }
            methods.append(operation.method)
            if operation.method == .get, operation.name != .webSocket { methods.append(.head) }
        }
        return methods.isEmpty ? nil : methods
    }
}

/// What can be asked after an answer, and where in it stands what is needed for that.
struct APILinks: Sendable {
    let operations: [APIOperation.Name]
    /// OpenAPI's runtime expressions by the names of parameters.
    let parameters: [(name: String, expression: String)]

    /// A room was made.
    static let ofRoom = APILinks(
        operations: [.readRoom, .changeRoom, .deleteRoom, .readMembers, .sendMessage, .readMessages, .readEvents],
        parameters: [("room", "$response.body#/room"), ("user", "$request.query.user")])

    /// Something was said.
    static let ofMessage = APILinks(
        operations: [.editMessage, .deleteMessage],
        parameters: [
            ("room", "$response.body#/room"), ("message", "$response.body#/id"), ("user", "$request.query.user"),
        ])
}

/// One way in which an operation is answered.
struct APIAnswer: Sendable {
    /// What its body is.
    enum Content: Sendable {
        case none
        case json(APISchema)
        case text(String)
        /// Server-sent events.
        case events
        case problem
    }

    let status: Int
    let meaning: String
    var content = Content.none
    /// Headers that it always has, with what they say.
    var headers: [(name: String, meaning: String)] = []
    /// What can be asked next, with what stands in the answer.
    var next: APILinks?

    static func json(_ status: Int, _ schema: APISchema, _ meaning: String) -> APIAnswer {
        APIAnswer(status: status, meaning: meaning, content: .json(schema))
    }

    static func text(_ type: String, _ meaning: String) -> APIAnswer {
        APIAnswer(status: 200, meaning: meaning, content: .text(type))
    }

    /// Problems, each of them by its status.
    static func problems(_ statuses: Int...) -> [APIAnswer] {
        statuses.map { status in
            APIAnswer(status: status, meaning: meanings[status] ?? "", content: .problem, headers: headers(of: status))
        }
    }

    private static func headers(of status: Int) -> [(name: String, meaning: String)] {
        switch status {
        case 401: [("WWW-Authenticate", "How to say who one is.")]
        case 426: [("Upgrade", "What to upgrade to.")]
        default: []
        }
    }

    private static let meanings: [Int: String] = [
        400: "Something in the request is not as it should be; the code says what.",
        401: "Nobody said who asks, or the token is no good.",
        403: "Who asks may not do that, or not from there.",
        404: "There is no such room or message, or not for who asks.",
        409: "There is a room of that name.",
        413: "A text or the body has too many bytes.",
        415: "The body is not application/json; or a cookie says who asks, and Content-Type does not say that.",
        426: "This path is for WebSockets.",
        429: "Too fast, or too many; Retry-After says when to come again.",
        503: "Redis is away, or the room or the edge is full; it was not acknowledged.",
    ]
}
