import Hummingbird
import NIOCore
import RelayCore

/// One request as the routes see it: with whoever asks.
struct EdgeContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The loop of the connection.
    let loop: any EventLoop

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        loop = source.channel.eventLoop
    }

    /// Who asks: nobody has to prove it, `?user=` says it.
    func identity(_ request: Request) throws -> Identity {
        try request.claimedIdentity()
    }

    /// Who reads: like `identity`, but one may also read without a name.
    func reader(_ request: Request) throws -> Identity? {
        try request.claimedReader()
    }
}
