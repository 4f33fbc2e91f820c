import NIOCore
import RelayCore
import RelayWire
import Testing

@testable import RelayEdge

@Suite("The description of the HTTP interface")
struct OpenAPITests {
    private let root: JSONObject

    init() throws {
        root = try JSONReader.object(from: OpenAPIDocument.json, depthMax: 64)
    }

    /// Every value below one, with itself.
    private static func walk(_ value: JSONValue, _ visit: (JSONObject) -> Void) {
        if let object = value.object {
            visit(object)
            for key in object.keys { if let value = object[key] { walk(value, visit) } }
        }
        for element in value.elements ?? [] { walk(element, visit) }
    }

    @Test("Every route is in it, and nothing else is")
    func routes() throws {
        let edge = OneLoopEdge()
        let policy = OriginPolicy(allowedOrigins: [], restrictsHosts: true)
        let routes = EdgeRoutes(
            api: APIRoutes(hub: HubHandle(edge.hub), shard: { _ in nil }, textBytesMax: 1),
            upgrade: UpgradeRefusalRoute(admission: UpgradeAdmission(policy: policy)),
            operations: OperationRoutes(isDraining: { false }, probe: { .passed }, metrics: { "" }),
            web: WebRoutes(isServed: true, isTokenNeeded: false, allowedOrigins: []))
        var described: Set<String> = []
        let paths = try #require(root["paths"]?.object)
        for path in paths.keys {
            for method in paths[path]?.object?.keys ?? [] { described.insert("\(method.uppercased()) \(path)") }
        }
        #expect(described == routes.names)
        #expect(described == Set(APIOperation.all.map { "\($0.method) \($0.path)" }))
        #expect(Set(APIOperation.all.map(\.name)) == Set(APIOperation.Name.allCases))
        #expect(APIOperation.all.count == APIOperation.Name.allCases.count)
    }

    @Test("Whatever it refers to is in it, and whatever is in it is referred to")
    func references() throws {
        var named: Set<String> = []
        for key in root.keys {
            Self.walk(try #require(root[key])) { object in
                if let name = object["$ref"]?.string { named.insert(name) }
            }
        }
        let components = try #require(root["components"]?.object)
        var present: Set<String> = []
        for kind in ["parameters", "schemas"] {
            for name in components[kind]?.object?.keys ?? [] { present.insert("#/components/\(kind)/\(name)") }
        }
        #expect(named == present)
        for schema in APISchema.allCases {
            #expect(throws: Never.self, "\(schema)") {
                try JSONReader.object(from: ByteBuffer(string: schema.json), depthMax: 64)
            }
            #expect(schema.json != "{}", "\(schema)")
        }
    }

    @Test("Each operation says what its path names, how it is answered, and what every error is")
    func operations() {
        for operation in APIOperation.all {
            let statuses = operation.answers.map(\.status)
            #expect(Set(statuses).count == statuses.count, "\(operation.name)")
            #expect(statuses.contains { $0 < 300 }, "\(operation.name)")
            let named = operation.path.matches(of: /\{([a-z]+)\}/).map { String($0.output.1) }
            let described = operation.parameters.filter { $0.json.contains(#""in":"path""#) }.map(\.rawValue)
            #expect(Set(named) == Set(described), "\(operation.name)")
            // A body can be too large; and what changes something says that it is JSON, with or without one.
            #expect(statuses.contains(413) == (operation.body != nil), "\(operation.name)")
            #expect(statuses.contains(415) == ("\(operation.method)" != "GET"), "\(operation.name)")
            for answer in operation.answers where answer.status >= 400 && operation.name != .ready {
                guard case .problem = answer.content else {
                    Issue.record("\(operation.name) \(answer.status) is no problem document")
                    continue
                }
                #expect(!answer.meaning.isEmpty, "\(operation.name) \(answer.status)")
            }
        }
    }

    private func methods(_ path: String) -> String? {
        APIOperation.methods(of: path).map { $0.map { "\($0)" }.joined(separator: " ") }
    }

    @Test("A path has the methods of its operations, however it is written")
    func methods() {
        #expect(methods("/v1/rooms") == "GET HEAD POST")
        #expect(methods("/v1//rooms/") == "GET HEAD POST")
        #expect(methods("/v1/rooms/x") == "GET HEAD PATCH DELETE")
        #expect(methods("/v1/rooms/x/messages/5-0") == "PATCH DELETE")
        #expect(methods("/v1/ws") == "GET")
        #expect(methods("/") == "GET HEAD")
        #expect(methods("/v1/rooms/x/nothing") == nil)
        #expect(methods("/v1") == nil)
    }
}
