internal import Foundation
internal import NIOCore
internal import RelayWire

/// A JSON Web Token in its compact form, taken apart: three parts of base64url, none of which is believed yet.
struct CompactToken {
    /// Bytes of a token; a longer one is not looked at.
    static let bytesMax = 8192

    /// The name of the algorithm that the header claims.
    let algorithm: String
    /// The name of the key that the header claims.
    let keyID: String?
    /// The claims.
    let payload: JSONObject
    /// What was signed.
    let signedBytes: [UInt8]
    let signature: [UInt8]

    /// Nil where the text is no token, or one that asks for what is not done here (`crit`).
    init?(_ text: String) {
        guard text.utf8.count <= Self.bytesMax else { return nil }
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Self.object(parts[0]), let payload = Self.object(parts[1]),
            let signature = URLSafeText.decoded(parts[2]), !signature.isEmpty,
            let algorithm = try? header.string("alg"), !header.isPresent("crit")
        else { return nil }
        guard !header.isPresent("kid") || header["kid"]?.string != nil else { return nil }
        self.algorithm = algorithm
        keyID = header["kid"]?.string
        self.payload = payload
        self.signature = [UInt8](signature)
        signedBytes = Array(text.utf8.prefix(parts[0].count + 1 + parts[1].count))
    }

    private static func object(_ part: Substring.UTF8View) -> JSONObject? {
        guard let bytes = URLSafeText.decoded(part) else { return nil }
        return try? JSONReader.object(from: ByteBuffer(bytes: bytes), depthMax: 16)
    }
}

/// Base64 as RFC 4648 5 has it, without padding.
enum URLSafeText {
    /// The bytes; nil where the text has padding, blanks or any other letter.
    static func decoded(_ text: Substring.UTF8View) -> Data? {
        var standard: [UInt8] = []
        standard.reserveCapacity(text.count + 3)
        for byte in text {
            switch byte {
            case UInt8(ascii: "-"): standard.append(UInt8(ascii: "+"))
            case UInt8(ascii: "_"): standard.append(UInt8(ascii: "/"))
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                standard.append(byte)
            default: return nil
            }
        }
        while !standard.count.isMultiple(of: 4) { standard.append(UInt8(ascii: "=")) }
        return Data(base64Encoded: Data(standard))
    }

    static func encoded(_ bytes: some Sequence<UInt8>) -> String {
        Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
