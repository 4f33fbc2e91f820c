import HTTPTypes
import Hummingbird
import NIOCore
import RelayWeb
import RelayWire

/// The web client: the page at `/`, its files beside it, and what they have to know of this edge.
///
/// None of it is for anybody in particular: whoever opens the page says who they are over the WebSocket.
struct WebRoutes: Sendable {
    /// What the page asks first: how users prove who they are, and which pages may have it in a frame.
    static let settingsPath = "/settings.json"

    private let index: Document
    private let documents: [(path: String, document: Document)]
    private let headers: HTTPFields

    /// - Parameters:
    ///   - isServed: whether there is a web client; else `/` says only what this is.
    ///   - isTokenNeeded: whether users prove who they are by a token.
    ///   - allowedOrigins: the origins whose pages may have this one in a frame; `*` for any.
    init(isServed: Bool, isTokenNeeded: Bool, allowedOrigins: [String]) {
        headers = Self.headers(allowedOrigins: allowedOrigins)
        guard isServed, let page = WebFile.all.first(where: { $0.path == WebFile.indexPath }) else {
            index = Self.notice
            documents = []
            return
        }
        index = Document(page)
        let settings = Self.settings(isTokenNeeded: isTokenNeeded, allowedOrigins: allowedOrigins)
        documents =
            WebFile.all.filter { $0.path != WebFile.indexPath }.map { ($0.path, Document($0)) }
            + [(Self.settingsPath, settings)]
    }

    func add(to router: Router<EdgeContext>) {
        addIndex(to: router)
        for (path, document) in documents {
            serve(document, at: path, of: router)
            for method in [HTTPRequest.Method.post, .put, .patch, .delete] {
                router.on(RouterPath(path), method: method) { request, _ -> Response in
                    throw Problem.methodNotAllowed(request.method, allowed: [.get, .head])
                }
            }
        }
    }

    /// `/` alone, which is an operation of the description; the files are not.
    func addIndex(to router: Router<EdgeContext>) {
        serve(index, at: "/", of: router)
    }

    private func serve(_ document: Document, at path: String, of router: Router<EdgeContext>) {
        router.get(RouterPath(path)) { [headers] request, _ -> Response in
            var headers = headers
            headers[.eTag] = document.entityTag
            guard !Self.isKnown(document.entityTag, to: request) else {
                return Response(status: .notModified, headers: headers)
            }
            headers[.contentType] = document.contentType
            return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: document.body))
        }
    }

    /// Whether the asker has these bytes already, by its `If-None-Match`.
    static func isKnown(_ entityTag: String, to request: Request) -> Bool {
        request.headers[values: .ifNoneMatch].contains { field in
            field.split(separator: ",").contains { item in
                let tag = item.drop(while: \.isWhitespace)
                // A weak tag of ours is one that something on the way has made of it, by compression.
                let strong = tag.hasPrefix("W/") ? tag.dropFirst(2) : tag
                return tag == "*" || strong.prefix { !$0.isWhitespace } == entityTag
            }
        }
    }

    /// What is said with every file. Nothing in a page can run or load what is not of this edge, whatever anybody says
    /// in a message; where a browser knows Trusted Types, text cannot even become markup.
    private static func headers(allowedOrigins: [String]) -> HTTPFields {
        let frames = allowedOrigins.contains("*") ? "*" : (["'self'"] + allowedOrigins).joined(separator: " ")
        let policy = [
            "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'",
            "img-src 'self' data:", "media-src 'self'", "base-uri 'none'", "form-action 'none'",
            "frame-ancestors \(frames)", "require-trusted-types-for 'script'", "trusted-types 'none'",
        ]
        return [
            .contentSecurityPolicy: policy.joined(separator: "; "), .cacheControl: "no-cache",
            .xContentTypeOptions: "nosniff", .referrerPolicy: "no-referrer",
        ]
    }

    private static func settings(isTokenNeeded: Bool, allowedOrigins: [String]) -> Document {
        var body = ByteBuffer()
        body.writeJSONObject { object in
            object.string("auth", isTokenNeeded ? "jwt" : "none")
            object.array("origins") { origins in
                for origin in allowedOrigins { origins.string(origin) }
            }
        }
        return Document(contentType: "application/json", body: body)
    }

    private static let notice = Document(
        contentType: "text/html; charset=utf-8",
        body: ByteBuffer(
            string: """
                <!doctype html>
                <html lang="en">
                <title>Martlet</title>
                <p>Martlet: chat rooms on Redis. There is no web client here; programs find
                <a href="/v1/openapi.json">a description</a>.

                """))

    /// What is answered to a path.
    private struct Document: Sendable {
        let contentType: String
        let entityTag: String
        let body: ByteBuffer

        init(_ file: WebFile) {
            (contentType, entityTag, body) = (file.contentType, file.entityTag, file.body)
        }

        init(contentType: String, body: ByteBuffer) {
            self.init(contentType: contentType, entityTag: WebFile.entityTag(of: body), body: body)
        }

        private init(contentType: String, entityTag: String, body: ByteBuffer) {
            (self.contentType, self.entityTag, self.body) = (contentType, entityTag, body)
        }
    }
}

extension HTTPField.Name {
    /// What a browser tells others of where it comes from.
    fileprivate static var referrerPolicy: HTTPField.Name { HTTPField.Name("Referrer-Policy") ?? .via }
}
