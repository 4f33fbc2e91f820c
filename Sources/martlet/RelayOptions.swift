import ArgumentParser
import Foundation
import NIOSSL
import RelayClient
import RelayCore
import RelaySettings

/// Where the relay is and who one is: shared by the commands that talk.
struct RelayOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Where the relay is, ws://HOST:PORT or wss://….",
            discussion: "Default: MARTLET_URL, else the relay that `martlet up` runs, else ws://127.0.0.1:8080."))
    var url: String?

    @Option(help: "The user id. Default: MARTLET_USER, else the name of the login.")
    var user: String?

    @Option(help: "The name that people see. Default: MARTLET_NAME, else the user id.")
    var name: String?

    @Option(help: "A file with a token, where the relay wants one. Default: MARTLET_TOKEN.", completion: .file())
    var tokenFile: String?

    @Option(
        help: "A PEM file with the authority of a wss:// relay. Default: MARTLET_CA, else those of the system.",
        completion: .file())
    var caFile: String?

    /// The configuration of a client; one for a person who waits tries often.
    ///
    /// - Throws: `SettingError`, which names the setting.
    func configuration(forPerson isForPerson: Bool = false) throws(SettingError) -> RelayClientConfiguration {
        let environment = ProcessInfo.processInfo.environment
        let token = try token(environment)
        let user = try userID(environment)
        var displayName: DisplayName?
        if let name = name ?? environment["MARTLET_NAME"] {
            guard let valid = DisplayName(name) else {
                throw SettingError(
                    setting: "--name",
                    problem: "it takes 1 to \(Limits.nameBytesMax) bytes without control characters")
            }
            displayName = valid
        }
        var configuration = RelayClientConfiguration(
            url: try relayURL(environment), user: user, name: displayName, token: token)
        if isForPerson { configuration.backoff.spanMax = .seconds(4) }
        if let token { configuration.connection.authorize(token: token) }
        if let authorities = try Authorities.read(caFile) {
            configuration.connection.tls.trustRoots = .certificates(authorities)
        }
        return configuration
    }

    private func token(_ environment: [String: String]) throws(SettingError) -> String? {
        let setting = tokenFile == nil ? "MARTLET_TOKEN" : "--token-file"
        var token = environment["MARTLET_TOKEN"]
        if let tokenFile {
            guard let text = try? String(contentsOfFile: tokenFile, encoding: .utf8) else {
                throw SettingError(setting: setting, problem: "cannot read \(PlainText.cleaned(tokenFile))")
            }
            token = text.trimmingBlanks()
        }
        // In a header it would be printed as it stands; a token has no line break.
        guard token?.contains(where: \.isWhitespace) != true else {
            throw SettingError(setting: setting, problem: "it holds white space")
        }
        return token
    }

    private func relayURL(_ environment: [String: String]) throws(SettingError) -> RelayURL {
        let text = url ?? environment["MARTLET_URL"] ?? UpRecord.ofRunning()?.edges.first ?? "ws://127.0.0.1:8080"
        guard let parsed = RelayURL(text) else {
            let setting = url == nil && environment["MARTLET_URL"] != nil ? "MARTLET_URL" : "--url"
            throw SettingError(
                setting: setting, problem: "\(PlainText.cleaned(text)) is not of the form ws://HOST:PORT")
        }
        return parsed
    }

    private func userID(_ environment: [String: String]) throws(SettingError) -> UserID? {
        if let given = user ?? environment["MARTLET_USER"] {
            guard let valid = UserID(given) else {
                throw SettingError(
                    setting: "--user", problem: "it takes 1 to \(Limits.identifierBytesMax) letters, digits and . _ @ -"
                )
            }
            return valid
        }
        return UserID(NSUserName()) ?? UserID("guest")
    }
}

/// Who signs the certificate of a relay that is reached over TLS.
enum Authorities {
    /// Those in the PEM file of `--ca-file`, else of MARTLET_CA; nil where neither is given: those of the system.
    ///
    /// - Throws: `SettingError`, which names the setting.
    static func read(_ caFile: String?) throws(SettingError) -> [NIOSSLCertificate]? {
        guard let path = caFile ?? ProcessInfo.processInfo.environment["MARTLET_CA"] else { return nil }
        do {
            return try NIOSSLCertificate.fromPEMFile(path)
        } catch {
            throw SettingError(
                setting: caFile == nil ? "MARTLET_CA" : "--ca-file",
                problem: "\(PlainText.cleaned(path)) holds no certificate that can be read")
        }
    }
}

/// A room as it is typed.
struct RoomArgument: ExpressibleByArgument {
    let id: RoomID

    init?(argument: String) {
        guard let id = RoomID(argument) else { return nil }
        self.id = id
    }
}

/// What a person reads of a failure.
enum Failure {
    static func text(_ error: any Error) -> String {
        switch error {
        case RelayClientError.refused(let refusal): refusal.message
        case RelayClientError.notConnected, RelayClientError.timedOut: "the relay does not answer"
        case RelayClientError.unacknowledged: "the relay did not confirm it; it may have been stored or not"
        case RelayClientError.commandAnswered(let lines): lines.joined(separator: "\n")
        case RelayClientError.closed(let end): text(end)
        default: "\(error)"
        }
    }

    static func text(_ end: ClientEnd) -> String {
        switch end {
        case .requested: "closed"
        case .dismissed(let closing): "the relay closed: \(closing.code ?? 1006) \(PlainText.cleaned(closing.reason))"
        case .refused(let status, let body): "the relay refused: HTTP \(status) \(PlainText.cleaned(body))"
        case .unauthorized(let refusal): "the relay refused: \(PlainText.cleaned(refusal.message))"
        }
    }

    static func text(_ loss: ConnectionLoss) -> String {
        switch loss {
        case .closed(let closing):
            switch closing.origin {
            case .peer: "\(closing.code ?? 1005) \(PlainText.cleaned(closing.reason))"
            case .silence: "it does not answer"
            case .violation: "it broke the protocol"
            case .own, .cut: "the connection was cut"
            }
        case .failed(.unreachable): "it cannot be reached"
        case .failed(.timedOut): "it does not answer"
        case .failed(.refused(let status, _)): "HTTP \(status)"
        case .failed(let error): "\(error)"
        case .notWelcomed(let refusal): PlainText.cleaned(refusal.message)
        }
    }
}
