internal import Glibc
internal import NIOCore
internal import NIOPosix

/// Why a connection could not be opened, in the system's own few words: what the event loop says of it is made for
/// debuggers.
enum ConnectFault {
    static func text(of error: any Error) -> String {
        guard let error = error as? NIOConnectionError else { return words(of: error) }
        var reasons: [String] = []
        for failure in error.connectionErrors {
            let reason = words(of: failure.error)
            if !reasons.contains(reason) { reasons.append(reason) }
        }
        return reasons.isEmpty ? "the host \(error.host) is unknown" : reasons.joined(separator: "; ")
    }

    private static func words(of error: any Error) -> String {
        if case .connectTimeout? = error as? ChannelError { return "no connection in time" }
        // The text is the system's, ends with a zero and is copied at once.
        guard let error = error as? IOError, let text = unsafe strerror(error.errnoCode) else { return "\(error)" }
        return unsafe String(cString: text)
    }
}
