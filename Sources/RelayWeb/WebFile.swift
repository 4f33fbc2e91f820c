internal import CWebFiles
public import NIOCore

/// One file of the web client, as it is in the program.
public struct WebFile: Sendable {
    /// Where it is served, from the root: `/app/main.js`.
    public let path: String
    /// What it is: a media type, with the encoding of text.
    public let contentType: String
    /// A strong entity tag, in quotes: another one for other bytes.
    public let entityTag: String
    /// Its bytes.
    public let body: ByteBuffer

    /// The page itself.
    public static let indexPath = "/index.html"

    /// All of them.
    public static let all: [WebFile] = (0..<web_file_count()).map { WebFile(at: $0) }

    private init(at index: Int) {
        // The table and what it points to are constants of the program.
        let entry = unsafe web_file_at(index)
        let path = unsafe String(cString: entry.path)
        let body = unsafe ByteBuffer(bytes: UnsafeRawBufferPointer(start: entry.bytes, count: entry.length))
        self.path = path
        self.body = body
        contentType = Self.contentType(of: path)
        entityTag = Self.entityTag(of: body)
    }

    /// The media type by the end of a name.
    static func contentType(of path: String) -> String {
        switch path.split(separator: ".").last {
        case "html": "text/html; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "js": "text/javascript; charset=utf-8"
        // What `application/typescript` never became; editors and people read it.
        case "ts": "text/plain; charset=utf-8"
        case "svg": "image/svg+xml"
        case "json": "application/json"
        default: "application/octet-stream"
        }
    }

    /// The entity tag of such bytes: FNV-1a with 64 bits, and the length.
    ///
    /// Nobody but us chooses the bytes, so nobody looks for two of one hash.
    public static func entityTag(of body: ByteBuffer) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in body.readableBytesView { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return "\"\(String(hash, radix: 36))-\(String(body.readableBytes, radix: 36))\""
    }
}
