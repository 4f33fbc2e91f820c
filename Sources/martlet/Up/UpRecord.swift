import Foundation
import NIOCore
import RelayWire

/// What a running `martlet up` says of itself in `DIR/up.json`, for the other commands and for scripts.
struct UpRecord: Equatable {
    /// The process.
    var pid: Int32
    /// The WebSocket URLs of the edges.
    var edges: [String]
    /// The URL of its Redis.
    var redis: String
    /// The directory of the archive.
    var archive: String

    /// The record as a line of JSON.
    var json: ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeJSONObject { object in
            object.integer("pid", Int64(pid))
            object.array("edges") { array in
                for edge in edges { array.string(edge) }
            }
            object.string("redis", redis)
            object.string("archive", archive)
        }
        buffer.writeString("\n")
        return buffer
    }

    init(pid: Int32, edges: [String], redis: String, archive: String) {
        self.pid = pid
        self.edges = edges
        self.redis = redis
        self.archive = archive
    }

    /// Reads a record; nil where it is none.
    init?(json: ByteBuffer) {
        guard let object = try? JSONReader.object(from: json), let pid = try? object.integer("pid"),
            let edges = try? object.strings("edges"), let redis = try? object.string("redis"),
            let archive = try? object.string("archive"), let process = Int32(exactly: pid)
        else { return nil }
        self.init(pid: process, edges: edges, redis: redis, archive: archive)
    }

    /// The record of the `up` that runs on the default directory; nil where none does.
    static func ofRunning() -> UpRecord? {
        let directory = DataDirectory(path: DataDirectory.defaultPath())
        guard directory.isLocked, let data = FileManager.default.contents(atPath: directory.record) else { return nil }
        return UpRecord(json: ByteBuffer(bytes: data))
    }
}
