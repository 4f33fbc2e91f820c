import NIOSSL
import RelayClient
import RelayCore
import RelayWire

/// Asks an edge how it is.
struct EdgeAsking {
    let edge: RelayURL
    let configuration: RelayConnectionConfiguration

    /// Asks the edge with that URL, whose certificate one of these authorities signed; nil: one of the system's.
    init(edge: RelayURL, authorities: [NIOSSLCertificate]? = nil) {
        self.edge = edge
        var configuration = RelayConnectionConfiguration(url: edge)
        if let authorities { configuration.tls.trustRoots = .certificates(authorities) }
        // Enough for any answer of an edge's to these questions.
        configuration.messageBytesMax = 4 << 20
        self.configuration = configuration
    }

    func finding() async -> HopFinding {
        let name = "\(edge.isSecure ? "https" : "http")://\(edge.authority)"
        let ready: RelayRequest.Answer
        do {
            ready = try await RelayRequest.get("/health/ready", configuration)
        } catch {
            return HopFinding(
                .edge, .unreachable, "\(name): \(Self.reason(error))",
                remedy: "is it running, is the address right, does a firewall or a proxy stand between?")
        }
        let object = try? JSONReader.object(from: ready.body)
        let status = (try? object?.string("status")).flatMap { $0 }
        guard let status else {
            return HopFinding(
                .edge, .wrong, "\(name): HTTP \(ready.status), and that is no edge's answer",
                remedy: "does this URL lead to an edge? `curl -i \(name)/health/ready` shows what answers")
        }
        guard ready.status == 200 else {
            let hop = (try? object?.string("hop")).flatMap { $0 }
            return HopFinding(
                .edge, .wrong, "\(name) is \(status)\(hop.map { ": \($0) fails" } ?? "")", remedy: Self.remedy(hop: hop)
            )
        }
        let version = await version()
        guard version == nil || version == RelayVersion.current else {
            return HopFinding(
                .edge, .note, "\(name) is ready, of version \(version ?? ""); this program is \(RelayVersion.current)",
                remedy: "fine during an upgrade")
        }
        return HopFinding(.edge, .well, "\(name) is ready\(version.map { ", version \($0)" } ?? "")")
    }

    private static func remedy(hop: String?) -> String {
        switch hop {
        case "publish":
            "its connection that posts is down: can that machine reach Redis, and are its user and password right?"
        case "subscribe": "its subscription is down: may its user SUBSCRIBE (&chat:*), and can it reach Redis?"
        case "return": "what it publishes does not come back: see whether Redis is overloaded, and its log"
        case "read": "its connection that reads is down: can that machine reach Redis?"
        case nil: "it is on its way out, or starts; ask again in a moment"
        default: "see its log"
        }
    }

    private func version() async -> String? {
        guard let answer = try? await RelayRequest.get("/v1/openapi.json", configuration), answer.status == 200,
            let info = try? JSONReader.object(from: answer.body).object("info")
        else { return nil }
        return (try? info.string("version")).flatMap { $0 }
    }

    private static func reason(_ error: RelayConnectionError) -> String {
        switch error {
        case .unreachable(let reason) where reason.contains("certificate") || reason.contains("CERTIFICATE"):
            "its certificate is not trusted here; --ca-file names the authority of a private one"
        case .unreachable: "it cannot be reached"
        case .timedOut: "no answer within 10 s"
        case .closed: "it hung up without an answer"
        case .tooLong(let bytesMax): "an answer of more than \(bytesMax) bytes"
        case .refused, .malformedUpgrade, .badHeader: "\(error)"
        }
    }
}
