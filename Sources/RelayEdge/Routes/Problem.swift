import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1
import RelayCore
import RelayWire

/// A refusal as an HTTP answer: problem details of RFC 9457 with the contract's `code`.
struct Problem: Error, HTTPResponseError {
    let status: HTTPResponse.Status
    let refusal: Refusal
    var headers = HTTPFields()

    /// The problem whose status follows from the refusal's code.
    init(_ refusal: Refusal) {
        self.init(Self.status(of: refusal.code), refusal)
    }

    /// A problem with a status of its own, for what HTTP knows and the contract's codes do not.
    init(_ status: HTTPResponse.Status, _ refusal: Refusal) {
        self.status = status
        self.refusal = refusal
    }

    /// A method that a path does not have.
    static func methodNotAllowed(_ method: HTTPRequest.Method, allowed: [HTTPRequest.Method]) -> Problem {
        var problem = Problem(.methodNotAllowed, Refusal(.badRequest, "This path does not take \(method)."))
        problem.headers[.allow] = allowed.map(\.rawValue).joined(separator: ", ")
        return problem
    }

    func response(from request: Request, context: some RequestContext) -> Response {
        var body = ByteBufferAllocator().buffer(capacity: 160)
        body.writeJSONObject { object in
            object.string("type", "about:blank")
            object.string("title", status.reasonPhrase)
            object.integer("status", status.code)
            object.string("code", refusal.code.rawValue)
            object.string("detail", refusal.message)
            if let wait = refusal.retryAfter { object.integer("retry_after", wait.wholeMilliseconds) }
        }
        var headers = headers
        headers[.contentType] = "application/problem+json"
        headers[.cacheControl] = "no-store"
        if status == .unauthorized { headers[.wwwAuthenticate] = "Bearer" }
        if let wait = refusal.retryAfter {
            headers[.retryAfter] = String(max(1, (wait.wholeMilliseconds + 999) / 1000))
        }
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: body))
    }

    private static func status(of code: ErrorCode) -> HTTPResponse.Status {
        switch code {
        case .badJSON, .badRequest, .unknownOp, .badRoom, .notJoined: .badRequest
        case .unauthorized, .tokenExpired: .unauthorized
        case .forbidden: .forbidden
        case .exists: .conflict
        case .noSuchRoom, .noSuchMessage, .noSuchUser: .notFound
        case .tooLarge: .contentTooLarge
        case .rateLimited: .tooManyRequests
        case .unavailable, .full, .draining: .serviceUnavailable
        }
    }
}

/// Makes every error a problem document, also those of the router itself, and answers `OPTIONS` of every path.
struct ProblemMiddleware: RouterMiddleware {
    func handle(
        _ request: Request, context: EdgeContext,
        next: (Request, EdgeContext) async throws -> Response
    ) async throws -> Response {
        let problem: Problem
        do {
            return try await next(request, context)
        } catch let refusal as Refusal {
            problem = Problem(refusal)
        } catch let known as Problem {
            problem = known
        } catch let error as HTTPError {
            if error.status == .notFound, let methods = APIOperation.methods(of: request.uri.path),
                !methods.contains(request.method)
            {
                if request.method == .options { return Self.options(methods) }
                problem = .methodNotAllowed(request.method, allowed: methods)
            } else {
                problem = Self.problem(error.status)
            }
        } catch let error as HTTPParserError {
            // What breaks HTTP itself is the connection's business.
            throw error
        } catch {
            problem = Problem(.internalServerError, Refusal(.unavailable, "Something went wrong on this edge."))
        }
        let response = problem.response(from: request, context: context)
        return request.method == .head ? response.createHeadResponse() : response
    }

    private static func options(_ methods: [HTTPRequest.Method]) -> Response {
        Response(
            status: .noContent,
            headers: [.allow: methods.map(\.rawValue).joined(separator: ", "), .cacheControl: "no-store"])
    }

    private static func problem(_ status: HTTPResponse.Status) -> Problem {
        switch status {
        case .notFound: Problem(.notFound, Refusal(.badRequest, "There is nothing at this path."))
        case .contentTooLarge:
            Problem(status, Refusal(.tooLarge, "A body may have \(Limits.bodyBytesMax) bytes."))
        default: Problem(status, Refusal(.badRequest, status.reasonPhrase))
        }
    }
}
