import ArgumentParser
import Foundation
import RelayAuth
import RelayCore
import RelaySettings

/// `martlet token`: makes a token.
struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Make a token for an edge with --auth jwt, and print it.",
        discussion: """
            The key is a secret of at least 32 bytes (HS256), or a private key in PEM: RSA makes RS256, P-256 \
            ES256, Ed25519 EdDSA. Nothing but the token goes to standard output.

            Without --rooms and --read the user may read and write every room that is not private; with \
            --read alone nothing is writable. A room is an id, in which a * stands for anything.

            Exit codes: 0 made, 64 a wrong setting or a key that cannot be used.

            Examples:
              head -c 32 /dev/urandom | base64 >secret
              martlet token --jwt-secret-file secret --user alice --expires 8h
              martlet token --jwt-key-file key.pem --user bot --rooms 'team:*'
            """)

    @Option(help: "A file with the secret that the edge has.", completion: .file())
    var jwtSecretFile: String?

    @Option(help: "A PEM file with the private key whose public one the edge has.", completion: .file())
    var jwtKeyFile: String?

    @Option(help: "The name of the key in the edge's JWKS.")
    var kid: String?

    @Option(help: "The user id.")
    var user: String

    @Option(help: "The name that people see. Default: the user id.")
    var name: String?

    @Option(help: "A room to read and write, an id or a beginning with *; repeatable.")
    var rooms: [String] = []

    @Option(help: "A room to read only, likewise; repeatable.")
    var read: [String] = []

    @Flag(help: "The user may do everything.")
    var admin = false

    @Option(help: "For how long the token is good.")
    var expires = SpanSetting(.seconds(3600))

    func run() async throws {
        let grant = try grant(now: Date())
        let (setting, key) = try key()
        do {
            let mint = try await TokenMint(key, keyID: kid)
            Console.say(try mint.token(for: grant, hasName: name != nil))
        } catch {
            throw SettingError(setting: setting, problem: "\(error)")
        }
    }

    private func key() throws(SettingError) -> (setting: String, key: TokenMint.Key) {
        switch (jwtSecretFile, jwtKeyFile) {
        case (let secret?, nil): return ("--jwt-secret-file", .secretFile(secret))
        case (nil, let key?): return ("--jwt-key-file", .keyFile(key))
        case (nil, nil):
            throw SettingError(setting: "--jwt-secret-file", problem: "it is needed, or --jwt-key-file")
        case (_?, _?):
            throw SettingError(setting: "--jwt-key-file", problem: "--jwt-secret-file is given already: one of them")
        }
    }

    private func grant(now: Date) throws(SettingError) -> TokenGrant {
        guard let user = UserID(user) else {
            throw SettingError(
                setting: "--user", problem: "it takes 1 to \(Limits.identifierBytesMax) letters, digits and . _ @ -")
        }
        var shown = DisplayName(user)
        if let name {
            guard let valid = DisplayName(name) else {
                throw SettingError(
                    setting: "--name", problem: "it takes 1 to \(Limits.nameBytesMax) bytes without control characters")
            }
            shown = valid
        }
        guard expires.duration >= .seconds(1), expires.duration <= .seconds(86_400 * 3660) else {
            throw SettingError(setting: "--expires", problem: "it takes 1s to ten years")
        }
        let permissions = Permissions(
            isAdmin: admin, rooms: try patterns("--rooms", rooms), read: try patterns("--read", read))
        let end = UInt64(now.timeIntervalSince1970 * 1000) + UInt64(expires.duration.wholeMilliseconds)
        return TokenGrant(
            identity: Identity(user: user, name: shown, permissions: permissions), expiresMilliseconds: end)
    }

    private func patterns(_ setting: String, _ texts: [String]) throws(SettingError) -> [RoomPattern]? {
        guard !texts.isEmpty else { return nil }
        var patterns: [RoomPattern] = []
        for text in texts.flatMap({ $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }) {
            guard let pattern = RoomPattern(text) else {
                throw SettingError(
                    setting: setting, problem: "\(PlainText.cleaned(text)) is no room id, with or without * at its end"
                )
            }
            patterns.append(pattern)
        }
        return patterns
    }
}
