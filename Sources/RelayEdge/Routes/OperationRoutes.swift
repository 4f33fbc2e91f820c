import HTTPTypes
import Hummingbird
import NIOCore
import RelayCore
import RelayWire

/// What operators and balancers ask: health and metrics.
struct OperationRoutes: Sendable {
    let isDraining: @Sendable () -> Bool
    let probe: @Sendable () async -> ProbeOutcome
    /// Makes the text of `/metrics`; nil where that is served elsewhere.
    let metrics: (@Sendable () async -> String)?

    func add(to router: Router<EdgeContext>) {
        router.get("/health/live") { _, _ in Response.json(.ok, Self.status("live")) }
        router.get("/health/ready") { _, _ in
            guard !isDraining() else { return Response.json(.serviceUnavailable, Self.status("draining")) }
            let outcome = await probe()
            guard outcome == .passed else {
                return Response.json(.serviceUnavailable, Self.status("not ready", failingHop: outcome.rawValue))
            }
            return Response.json(.ok, Self.status("ready"))
        }
        if let metrics { Self.addMetrics(metrics, to: router) }
    }

    /// `/metrics` alone, for a port of its own too.
    static func addMetrics(_ metrics: @escaping @Sendable () async -> String, to router: Router<EdgeContext>) {
        router.get("/metrics") { _, _ in
            Response.text(.ok, await metrics(), type: "text/plain; version=0.0.4; charset=utf-8")
        }
    }

    private static func status(_ status: String, failingHop hop: String? = nil) -> ByteBuffer {
        var body = ByteBuffer()
        body.writeJSONObject { object in
            object.string("status", status)
            if let hop { object.string("hop", hop) }
        }
        return body
    }
}

/// Answers requests for a WebSocket's path that did not become a WebSocket: says why.
struct UpgradeRefusalRoute: Sendable {
    let admission: UpgradeAdmission

    func add(to router: Router<EdgeContext>) {
        for path in admission.paths { add(path, to: router) }
    }

    private func add(_ path: String, to router: Router<EdgeContext>) {
        router.get(RouterPath(path)) { request, _ -> Response in
            let verdict = admission.verdict(
                uri: request.uri.string, origin: request.headers[.origin], host: request.head.authority,
                protocols: request.headers[values: .secWebSocketProtocol])
            if case .refused(let refusal) = verdict { throw refusal }
            let found = admission.credentials.credentials(
                authorization: request.headers[values: .authorization], cookies: request.headers[values: .cookie],
                origin: request.headers[.origin], host: request.head.authority, isChange: true)
            if case .refused(let refusal) = found { throw refusal }
            guard let name = HTTPField.Name("Sec-WebSocket-Extensions"),
                ExtensionOffer.parse(request.headers[values: name]) != nil
            else { throw Refusal(.badRequest, "Sec-WebSocket-Extensions: not a list of extensions.") }
            var problem = Problem(
                .upgradeRequired,
                Refusal(
                    .badRequest,
                    "This path wants a WebSocket upgrade: Upgrade, Sec-WebSocket-Version 13, Sec-WebSocket-Key."
                ))
            problem.headers[.upgrade] = "websocket"
            problem.headers[.connection] = "Upgrade"
            throw problem
        }
        // The other paths' methods stand in the table of operations; an echo is none for the public.
        guard path == UpgradeAdmission.echoPath else { return }
        for method in [HTTPRequest.Method.post, .put, .patch, .delete] {
            router.on(RouterPath(path), method: method) { request, _ -> Response in
                throw Problem.methodNotAllowed(request.method, allowed: [.get])
            }
        }
    }
}

/// Keeps pages of other sites out, and names that an attacker points at this machine.
struct AccessMiddleware: RouterMiddleware {
    let policy: OriginPolicy

    func handle(
        _ request: Request, context: EdgeContext,
        next: (Request, EdgeContext) async throws -> Response
    ) async throws -> Response {
        guard policy.allows(host: request.head.authority) else {
            throw Refusal(.forbidden, "Host: not a name under which this edge may be asked.")
        }
        let isChange = request.method != .get && request.method != .head
        if isChange, !policy.allows(origin: request.headers[.origin], host: request.head.authority) {
            throw Refusal(.forbidden, "Origin: pages of this site may not send.")
        }
        return try await next(request, context)
    }
}
