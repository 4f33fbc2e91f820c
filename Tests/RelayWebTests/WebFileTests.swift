import Foundation
import NIOCore
import Testing

@testable import RelayWeb

/// The files of the web client in the program.
@Suite("Web files")
struct WebFileTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Sources/RelayWeb/Client")

    @Test("Every file of the folder is in the program, byte for byte, and nothing else is")
    func complete() throws {
        let paths = try FileManager.default.subpathsOfDirectory(atPath: Self.folder.path)
        var found: Set<String> = []
        for path in paths {
            let url = Self.folder.appending(path: path)
            guard try url.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile == true else { continue }
            // This example's React is its developer's, and not here.
            if path.hasPrefix("examples/react.") { continue }
            found.insert("/\(path)")
            let file = try #require(WebFile.all.first { $0.path == "/\(path)" }, "\(path) is not in WebFiles.c")
            #expect(try Data(contentsOf: url).elementsEqual(file.body.readableBytesView), "\(path)")
        }
        #expect(Set(WebFile.all.map(\.path)) == found)
        #expect(WebFile.all.count == found.count)
        #expect(found.contains(WebFile.indexPath))
    }

    @Test("Every file has a type that browsers know")
    func types() {
        for file in WebFile.all {
            #expect(file.contentType != "application/octet-stream", "\(file.path)")
        }
        #expect(WebFile.contentType(of: "/app/main.js") == "text/javascript; charset=utf-8")
        #expect(WebFile.contentType(of: "/x") == "application/octet-stream")
    }

    @Test("Other bytes have another tag")
    func tags() {
        let tags = Set(WebFile.all.map(\.entityTag))
        #expect(tags.count == WebFile.all.count)
        let one = WebFile.entityTag(of: ByteBuffer(string: "a"))
        #expect(one == WebFile.entityTag(of: ByteBuffer(string: "a")))
        #expect(one != WebFile.entityTag(of: ByteBuffer(string: "b")))
        #expect(one.hasPrefix("\"") && one.hasSuffix("\"") && one.count > 4)
    }

    @Test("Nothing in the page asks another machine for anything")
    func ownOnly() {
        for file in WebFile.all where !file.contentType.hasPrefix("text/plain") {
            let text = String(buffer: file.body)
            for mark in ["src=\"http", "href=\"http", "url(http", "from \"http", "import(\"http", "@import"] {
                #expect(!text.contains(mark), "\(file.path): \(mark)")
            }
        }
    }
}
