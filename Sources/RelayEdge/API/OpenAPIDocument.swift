import HTTPTypes
import NIOCore
import RelayCore
import RelayWire

/// The OpenAPI description of the edge, made of the table of operations.
enum OpenAPIDocument {
    /// The document.
    static let json: ByteBuffer = .jsonObject { root in
        root.string("openapi", "3.1.0")
        root.object("info") { info in
            info.string("title", "Martlet")
            info.string("version", RelayVersion.current)
            info.string(
                "description",
                "Chat rooms on Redis, over HTTP. Errors are problem details (RFC 9457) with a code for programs. "
                    + "Without authentication one says who one is with ?user=; otherwise a token is needed.")
        }
        root.array("security") { array in
            array.json(ByteBuffer(string: #"{"token":[]}"#))
            array.json(ByteBuffer(string: #"{"cookie":[]}"#))
            array.json(ByteBuffer(string: "{}"))
        }
        root.object("paths", write(paths:))
        root.object("components", write(components:))
    }

    private static func write(paths: inout JSONObjectWriter) {
        var written: Set<String> = []
        for path in APIOperation.all.map(\.path) where written.insert(path).inserted {
            paths.object(path) { item in
                for operation in APIOperation.all where operation.path == path {
                    item.object(operation.method.rawValue.lowercased()) { write(operation, to: &$0) }
                }
            }
        }
    }

    private static func write(_ operation: APIOperation, to object: inout JSONObjectWriter) {
        object.string("operationId", operation.name.rawValue)
        object.string("summary", operation.summary)
        // Who asks is said in every request of people.
        let isOfPeople = !APIOperation.ofOperators.contains { $0.name == operation.name }
        let parameters = operation.parameters + (isOfPeople ? [.user, .name] : [])
        if !parameters.isEmpty {
            object.array("parameters") { array in
                for parameter in parameters {
                    array.object { $0.string("$ref", "#/components/parameters/\(parameter.rawValue)") }
                }
            }
        }
        if let body = operation.body {
            object.object("requestBody") { request in
                request.bool("required", true)
                write(content: "application/json", of: body, to: &request)
            }
        }
        object.object("responses") { responses in
            for answer in operation.answers { responses.object("\(answer.status)") { write(answer, to: &$0) } }
        }
    }

    private static func write(_ answer: APIAnswer, to object: inout JSONObjectWriter) {
        object.string("description", answer.meaning)
        if !answer.headers.isEmpty {
            object.object("headers") { headers in
                for header in answer.headers {
                    headers.object(header.name) { object in
                        object.string("description", header.meaning)
                        object.bool("required", true)
                        object.json("schema", ByteBuffer(string: #"{"type":"string"}"#))
                    }
                }
            }
        }
        if let next = answer.next { write(next, to: &object) }
        switch answer.content {
        case .none: break
        case .json(let schema): write(content: "application/json", of: schema, to: &object)
        case .problem: write(content: "application/problem+json", of: .problem, to: &object)
        case .events: write(content: "text/event-stream", of: .event, to: &object)
        case .text(let type):
            object.object("content") { content in
                content.json(type, ByteBuffer(string: #"{"schema":{"type":"string"}}"#))
            }
        }
    }

    private static func write(_ links: APILinks, to object: inout JSONObjectWriter) {
        object.object("links") { object in
            for operation in links.operations {
                object.object(operation.rawValue) { link in
                    link.string("operationId", operation.rawValue)
                    link.object("parameters") { parameters in
                        for parameter in links.parameters { parameters.string(parameter.name, parameter.expression) }
                    }
                }
            }
        }
    }

    private static func write(content type: String, of schema: APISchema, to object: inout JSONObjectWriter) {
        object.object("content") { content in
            content.object(type) { media in
                media.object("schema") { $0.string("$ref", "#/components/schemas/\(schema.rawValue)") }
            }
        }
    }

    private static func write(components: inout JSONObjectWriter) {
        components.object("parameters") { object in
            for parameter in APIParameter.allCases {
                object.json(parameter.rawValue, ByteBuffer(string: parameter.json))
            }
        }
        components.object("schemas") { object in
            for schema in APISchema.allCases { object.json(schema.rawValue, ByteBuffer(string: schema.json)) }
        }
        components.object("securitySchemes") { object in
            object.json("token", ByteBuffer(string: #"{"type":"http","scheme":"bearer","bearerFormat":"JWT"}"#))
            object.json(
                "cookie", ByteBuffer(string: #"{"type":"apiKey","in":"cookie","name":"martlet_token"}"#))
        }
    }
}
