internal import NIOSSL

/// A file of the edge's own TLS that cannot be used.
public struct UnusableTLS: Error {
    /// The setting that names it.
    public let setting: String
    /// What is wrong with it.
    public let reason: String
}

extension EdgeConfiguration {
    /// Reads the certificate and the key, as the server does when it starts.
    ///
    /// - Throws: where one of them is none, or they do not belong together.
    public func checkTLS() throws(UnusableTLS) {
        _ = try makeTLS()
    }

    /// What the server speaks TLS with; nil where it does not.
    func makeTLS() throws(UnusableTLS) -> NIOSSLContext? {
        guard let tls else { return nil }
        guard let chain = try? NIOSSLCertificate.fromPEMFile(tls.certificate), !chain.isEmpty else {
            throw UnusableTLS(setting: "--tls-cert", reason: "\(tls.certificate) holds no certificate in PEM")
        }
        guard let key = try? NIOSSLPrivateKey(file: tls.key, format: .pem) else {
            throw UnusableTLS(setting: "--tls-key", reason: "\(tls.key) holds no private key in PEM")
        }
        let made = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        do { return try NIOSSLContext(configuration: made) } catch {
            throw UnusableTLS(
                setting: "--tls-key", reason: "\(tls.key) is not the key of the certificate in \(tls.certificate)")
        }
    }
}
