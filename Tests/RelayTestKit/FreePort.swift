internal import NIOCore
internal import NIOPosix

/// TCP ports that nobody uses.
public enum FreePort {
    /// A port of 127.0.0.1 that was free a moment ago. Somebody may be faster: whoever binds it must try again.
    public static func find() throws -> Int {
        let channel = try ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).wait()
        let port = channel.localAddress?.port ?? 0
        try channel.close().wait()
        return port
    }
}
