import Hummingbird
import NIOCore
import RelayCore

/// All routes of an edge.
struct EdgeRoutes: Sendable {
    let api: APIRoutes
    let upgrade: UpgradeRefusalRoute
    let operations: OperationRoutes
    let web: WebRoutes

    func add(to router: Router<EdgeContext>) {
        api.add(to: router)
        upgrade.add(to: router)
        operations.add(to: router)
        web.add(to: router)
    }

    /// What there is, `GET /v1/rooms`, but for the files of the web client; what `HEAD` answers follows from `GET`.
    var names: Set<String> {
        let router = Router(context: EdgeContext.self)
        api.add(to: router)
        upgrade.add(to: router)
        operations.add(to: router)
        web.addIndex(to: router)
        return Set(router.routes.filter { $0.method != .head }.map { "\($0.method) \($0.path)" })
    }
}
