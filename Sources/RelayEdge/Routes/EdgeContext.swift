import HTTPTypes
import Hummingbird
import NIOCore
import RelayCore

/// One request as the routes see it: with whoever asks.
struct EdgeContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The loop of the connection.
    let loop: any EventLoop
    /// The other end of the connection.
    let peer: IPAddress?
    /// Who asks, by their token; nil where there is none or none is needed.
    var grant: TokenGrant?
    /// Whether nobody is anybody without a token; also where nobody has looked, so that no way leads around looking.
    var isTokenNeeded = true

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        loop = source.channel.eventLoop
        peer = ConnectionGate.peer(of: source.channel)
    }

    /// Who asks: by the token, or where nobody has to prove it by `?user=`.
    func identity(_ request: Request) throws -> Identity {
        if let grant { return grant.identity }
        guard !isTokenNeeded else { throw Refusal(.unauthorized, "A token is needed.") }
        return try request.claimedIdentity()
    }

    /// Who reads: like `identity`, but where no token is needed one may also read without a name.
    func reader(_ request: Request) throws -> Identity? {
        isTokenNeeded ? try identity(request) : try request.claimedReader()
    }
}

/// Finds out who asks, before any route: by the token of the request.
struct CallerMiddleware: RouterMiddleware {
    let credentials: CredentialReader
    let verifier: (any TokenVerifier)?
    let guards: EdgeGuards
    let gate: ConnectionGate

    func handle(
        _ request: Request, context: EdgeContext, next: (Request, EdgeContext) async throws -> Response
    ) async throws -> Response {
        guard Self.isOfPeople(request.uri.path) else { return try await next(request, context) }
        guard QueryItems(request.uri.query ?? "")["token"] == nil else {
            throw Refusal(.badRequest, "token: not taken from a query, where it would end in logs.")
        }
        var context = context
        context.isTokenNeeded = verifier != nil
        if let verifier, let token = try token(of: request) {
            do {
                context.grant = try verifier.verify(token, nowMilliseconds: Clock.milliseconds)
            } catch {
                throw error.refusal
            }
        }
        let user = try? context.identity(request).user
        if let user, let refusal = guards.objection(toBeingHere: user) { throw refusal }
        if let asker = asker(user, request, context), let wait = guards.charge(asker, cost: Self.cost(of: request)) {
            throw Refusal(.rateLimited, "Too fast.", retryAfter: wait)
        }
        return try await next(request, context)
    }

    /// `/v1/ws` answers for itself, and what operators ask for is nobody's. A path is taken as the router takes it, to
    /// which `//v1//rooms/` is `/v1/rooms`.
    private static func isOfPeople(_ path: String) -> Bool {
        let parts = path.split(separator: "/")
        return parts.first == "v1" && parts != UpgradeAdmission.path.split(separator: "/")
    }

    /// As an op that brings as much: one, and one more for every 50 messages.
    private static func cost(of request: Request) -> Int {
        guard request.method == .get else { return 1 }
        let items = QueryItems(request.uri.query ?? "")
        let isResumed = items["since"] != nil || request.headers[.lastEventID] != nil
        let count = isResumed ? Limits.pageMessagesMax : (items["limit"] ?? items["history"]).flatMap { Int($0) } ?? 0
        return 1 + min(max(0, count), Limits.pageMessagesMax) / 50
    }

    private func asker(_ user: UserID?, _ request: Request, _ context: EdgeContext) -> UserRateLedger.Asker? {
        if let user { return .user(user) }
        return context.peer.map { peer in
            let address = gate.client(
                peer: peer, forwardedFor: request.headers[values: .xForwardedFor],
                forwarded: request.headers[values: .forwarded])
            return .address(address.holder)
        }
    }

    private func token(of request: Request) throws -> String? {
        let isChange = request.method != .get && request.method != .head
        let found = credentials.credentials(
            authorization: request.headers[values: .authorization], cookies: request.headers[values: .cookie],
            origin: request.headers[.origin], host: request.head.authority, isChange: isChange)
        switch found {
        case .none: return nil
        case .refused(let refusal): throw refusal
        case .token(let token):
            // A cookie comes along with what any page sends; only a page that was let in can say that it sends JSON.
            if isChange, request.headers[.authorization] == nil { try request.requireJSON() }
            return token
        }
    }
}

extension HTTPField.Name {
    /// Whom a proxy speaks for, as most of them write it.
    static var xForwardedFor: HTTPField.Name { HTTPField.Name("X-Forwarded-For") ?? .via }
    /// Whom a proxy speaks for, by RFC 7239.
    static var forwarded: HTTPField.Name { HTTPField.Name("Forwarded") ?? .via }
}
