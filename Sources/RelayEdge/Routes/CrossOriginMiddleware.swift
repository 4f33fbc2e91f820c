import HTTPTypes
import Hummingbird
import RelayCore

/// Lets pages of the origins that an operator allows read what the edge answers, and answers what their browsers ask
/// before they send (CORS).
///
/// An origin that is on the list by its name may come with cookies; where any may come (`*`), none may. The first of
/// all middlewares: errors are for these pages too.
struct CrossOriginMiddleware: RouterMiddleware {
    /// How long a browser may remember what it may send.
    static let rememberedSpan: Duration = .seconds(600)

    private let allowed: Set<String>
    private let allowsAny: Bool

    init(allowedOrigins: [String]) {
        allowed = Set(allowedOrigins.map { $0.lowercased() }).subtracting(["*"])
        allowsAny = allowedOrigins.contains("*")
    }

    func handle(
        _ request: Request, context: EdgeContext, next: (Request, EdgeContext) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        guard !allowed.isEmpty || allowsAny else { return response }
        // What is answered depends on who asks, unless all are answered alike.
        if !allowed.isEmpty { response.headers[values: .vary].append("Origin") }
        guard let origin = request.headers[.origin] else { return response }
        if allowed.contains(origin.lowercased()) {
            response.headers[.accessControlAllowOrigin] = origin
            response.headers[.accessControlAllowCredentials] = "true"
        } else if allowsAny {
            response.headers[.accessControlAllowOrigin] = "*"
        } else {
            return response
        }
        if request.method == .options, request.headers[.accessControlRequestMethod] != nil {
            response.headers[.accessControlAllowMethods] = response.headers[.allow] ?? "GET"
            response.headers[.accessControlAllowHeaders] = "Authorization, Content-Type, Idempotency-Key, Last-Event-ID"
            response.headers[.accessControlMaxAge] = String(Self.rememberedSpan.wholeMilliseconds / 1000)
        } else {
            response.headers[.accessControlExposeHeaders] = "Location, Martlet-Online, Retry-After"
        }
        return response
    }
}
