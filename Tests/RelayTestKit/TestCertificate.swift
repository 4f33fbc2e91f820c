/// A certificate authority and a certificate for `localhost` and 127.0.0.1, made with openssl for one test.
public final class TestCertificate: Sendable {
    /// The directory that all of it is in; it goes with this object.
    public let directory: String
    /// The certificate of the authority, PEM.
    public let authorityPath: String
    /// The server's certificate, PEM.
    public let certificatePath: String
    /// The server's private key, PEM.
    public let keyPath: String

    private init(directory: String) {
        self.directory = directory
        authorityPath = directory + "/ca.pem"
        certificatePath = directory + "/server.pem"
        keyPath = directory + "/server.key"
    }

    deinit {
        TemporaryDirectory.remove(directory)
    }

    /// Makes a new authority and a certificate that it signed, good for a day.
    public static func make() async throws -> TestCertificate {
        let made = TestCertificate(directory: try TemporaryDirectory.make("martlet-tls"))
        let request = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
        ]
        _ = try await Executable.run(
            "openssl",
            request + [
                "-subj", "/CN=Martlet Test CA", "-keyout", made.directory + "/ca.key", "-out", made.authorityPath,
            ])
        _ = try await Executable.run(
            "openssl",
            request + [
                "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                "-addext", "basicConstraints=critical,CA:FALSE", "-CA", made.authorityPath,
                "-CAkey", made.directory + "/ca.key", "-keyout", made.keyPath, "-out", made.certificatePath,
            ])
        return made
    }
}
