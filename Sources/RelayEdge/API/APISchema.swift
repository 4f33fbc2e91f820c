import RelayCore

/// The shapes of what goes over HTTP, as OpenAPI describes them.
enum APISchema: String, Sendable, CaseIterable {
    case roomID, userID, messageID, place, displayName, nonce, text, topic, users
    case roomPlan, roomChange, marking, message, edit, directMessage
    case event, room, roomMade, listedRoom, roomList, envelope, history, occupants, marked, health, description, problem

    /// The JSON of its description.
    var json: String { Self.simple[self] ?? Self.bodies[self] ?? Self.answers[self] ?? "{}" }

    /// The member of a schema that stands for this one.
    var reference: String { ##""$ref":"#/components/schemas/\##(rawValue)""## }

    private static func ref(_ schema: APISchema) -> String { "{\(schema.reference)}" }

    private static func object(_ required: [String], _ properties: String) -> String {
        let names = required.map { "\"\($0)\"" }.joined(separator: ",")
        return #"{"type":"object","required":[\#(names)],"properties":{\#(properties)}}"#
    }

    private static func object(
        _ required: [String], anyOf alternatives: [String], _ properties: String
    ) -> String {
        let one = alternatives.map { "{\($0)}" }.joined(separator: ",")
        return #"{"anyOf":[\#(one)],"# + object(required, properties).dropFirst()
    }

    private static let userPattern = "[A-Za-z0-9][A-Za-z0-9._@-]{0,63}"
    private static let roomPattern = #"([A-Za-z0-9][A-Za-z0-9._:-]{0,63}|dm:\#(userPattern)\\+\#(userPattern))"#
    private static let idPattern = "(0|[1-9][0-9]{0,18})(-(0|[1-9][0-9]{0,18}))?"

    private static let simple: [APISchema: String] = [
        .roomID: #"""
        {"type":"string","maxLength":132,
        "pattern":"^\#(roomPattern)$",
        "description":"dm:A+B is the direct conversation of two users, sorted; dm: is reserved for these."}
        """#,
        .userID:
            #"{"type":"string","pattern":"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$","description":"Folded to lower case."}"#,
        .messageID: #"""
        {"type":"string","pattern":"^\#(idPattern)$",
        "description":"Of a message, or a time in ms: 1763691000123-0."}
        """#,
        .place: #"""
        {"type":"string","pattern":"^\#(idPattern) \#(roomPattern)$",
        "description":"Where a list goes on: what an answer said in next."}
        """#,
        .displayName: #"""
        {"type":"string","minLength":1,"maxLength":64,"pattern":"^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029]+$",
        "description":"What people see; at most 64 bytes."}
        """#,
        .nonce: #"{"type":"string","minLength":1,"maxLength":64,"pattern":"^[ -~]+$"}"#,
        .text: #"""
        {"type":"string","minLength":1,"pattern":"^[^\\u0000]+$",
        "description":"UTF-8; 4096 bytes where the edge says nothing else."}
        """#,
        .topic: #"{"type":"string","maxLength":256,"pattern":"^[^\\u0000]*$","description":"At most 256 bytes."}"#,
        .users: #"{"type":"array","maxItems":200,"items":\#(ref(.userID))}"#,
    ]

    private static let bodies: [APISchema: String] = [
        .roomPlan: object(
            ["room"],
            // Only a private room has members.
            anyOf: [
                #""required":["private"],"properties":{"private":{"const":true}}"#,
                #""properties":{"members":{"maxItems":0}}"#,
            ],
            #"""
            "room":{"type":"string","pattern":"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"},"name":\#(ref(.displayName)),
            "private":{"type":"boolean"},"members":{"allOf":[\#(ref(.users))],"description":"Of a private room only."},
            "topic":\#(ref(.topic))
            """#),
        .roomChange: object(
            [],
            anyOf: [
                #""properties":{"members":false}"#, #""properties":{"add":{"maxItems":0},"remove":{"maxItems":0}}"#,
            ],
            #"""
            "name":\#(ref(.displayName)),"topic":\#(ref(.topic)),"private":{"type":"boolean"},
            "members":{"allOf":[\#(ref(.users))],"description":"Its members from now on; not with add and remove."},
            "add":\#(ref(.users)),"remove":\#(ref(.users))
            """#),
        .marking: object(["id"], #""id":\#(ref(.messageID))"#),
        .message: object(
            ["text"],
            #"""
            "text":\#(ref(.text)),"type":{"type":"string","enum":["message","action"]},"nonce":\#(ref(.nonce)),
            "reply_to":\#(ref(.messageID))
            """#),
        .edit: object(["text"], #""text":\#(ref(.text)),"nonce":\#(ref(.nonce))"#),
        .directMessage: object(["text"], #""text":\#(ref(.text)),"nonce":\#(ref(.nonce))"#),
    ]

    private static let facts = #"""
        "room":\#(ref(.roomID)),"name":{"type":"string"},"topic":{"type":"string"},"private":{"type":"boolean"},
        "created_by":\#(ref(.userID)),"created_at":{"type":"integer"},
        "members":{"type":"array","items":\#(ref(.userID)),"description":"Of a private room."}
        """#
    private static let state = #"""
        "seq":{"type":"integer","minimum":0},"last":{"anyOf":[\#(ref(.envelope)),{"type":"null"}]},
        "here":{"type":"integer","minimum":0}
        """#
    private static let codes = ErrorCode.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ",")
    private static let goingOn =
        #""more":{"type":"boolean"},"next":{"type":"string","description":"Where it goes on."}"#
    private static let factNames = ["room", "name", "topic", "private", "created_at"]

    private static let answers: [APISchema: String] = [
        .roomMade: object(factNames, facts),
        .room: object(factNames + ["seq", "last"], "\(facts),\(state)"),
        .listedRoom: object(
            factNames + ["seq", "last"],
            #"\#(facts),\#(state),"unread":{"type":"integer","minimum":0},"read":\#(ref(.messageID))"#),
        .roomList: object(
            ["rooms"], #""rooms":{"type":"array","items":\#(ref(.listedRoom))},\#(goingOn)"#),
        .envelope: object(
            ["id", "seq", "ts", "room", "type", "user", "name", "text"],
            #"""
            "id":\#(ref(.messageID)),"seq":{"type":"integer","minimum":1},"ts":{"type":"integer"},
            "room":\#(ref(.roomID)),"user":\#(ref(.userID)),
            "type":{"type":"string","enum":["message","action","direct","edit","delete","topic"]},
            "name":{"type":"string"},"text":{"type":"string"},"nonce":\#(ref(.nonce)),"to":\#(ref(.userID)),
            "target":\#(ref(.messageID)),"reply_to":\#(ref(.messageID)),"deleted":{"type":"boolean"}
            """#),
        .history: object(
            ["messages", "more", "source"],
            #"""
            "messages":{"type":"array","maxItems":500,"items":\#(ref(.envelope))},"more":{"type":"boolean"},
            "source":{"type":"string","enum":["stream","archive","both"]}
            """#),
        .occupants: object(
            ["type", "room", "users"],
            #"""
            "type":{"const":"who"},"room":\#(ref(.roomID)),\#(goingOn),"users":{"type":"array","items":\#(
                object(
                    ["user", "name", "since", "sessions"],
                    #""user":\#(ref(.userID)),"name":{"type":"string"},"since":{"type":"integer"},"#
                        + #""sessions":{"type":"integer","minimum":0},"idle":{"type":"integer","minimum":0}"#))}
            """#),
        .marked: object(
            ["type", "room", "id", "seq"],
            #""type":{"const":"marked"},"room":\#(ref(.roomID)),"id":\#(ref(.messageID)),"seq":{"type":"integer"}"#),
        .event: object(
            [],
            #"""
            "id":{"type":"string","description":"Of a message: its id."},
            "event":{"type":"string","description":"Of an event of the relay: its type."},
            "data":{"type":"string","description":"An envelope, the bytes that WebSockets are given."},
            "retry":{"type":["string","integer"]}
            """#),
        .health: object(["status"], #""status":{"type":"string"},"hop":{"type":"string"}"#),
        .description: #"{"type":"object","required":["openapi","info","paths"]}"#,
        .problem: object(
            ["type", "title", "status", "code", "detail"],
            #"""
            "type":{"type":"string"},"title":{"type":"string"},"status":{"type":"integer"},"detail":{"type":"string"},
            "code":{"type":"string","enum":[\#(codes)]},
            "retry_after":{"type":"integer","description":"In ms."}
            """#),
    ]
}
