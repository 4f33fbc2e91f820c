import RelayAuth
import RelaySettings

/// By what keys tokens are believed.
extension EdgeSettings {
    /// The keys; nil where nobody needs a token.
    ///
    /// - Throws: `SettingError`, which names the setting.
    func tokenKeys() async throws(SettingError) -> TokenKeys? {
        let given: [(setting: String, source: TokenKeys.Source)] =
            [jwtSecretFile.map { ("--jwt-secret-file", .secretFile($0)) }].compactMap { $0 }
            + [jwtKeyFile.map { ("--jwt-key-file", .keyFile($0)) }].compactMap { $0 }
            + [jwksFile.map { ("--jwks-file", .keySetFile($0)) }].compactMap { $0 }
        guard auth == .jwt else {
            guard let first = given.first else { return nil }
            throw SettingError(setting: first.setting, problem: "it is for --auth jwt")
        }
        guard let first = given.first else {
            throw SettingError(
                setting: "--auth", problem: "jwt needs --jwt-secret-file, --jwt-key-file or --jwks-file")
        }
        guard given.count == 1 else {
            throw SettingError(setting: given[1].setting, problem: "\(first.setting) is given already: one of them")
        }
        do {
            return try await TokenKeys(first.source)
        } catch {
            throw SettingError(setting: first.setting, problem: error.description)
        }
    }
}
