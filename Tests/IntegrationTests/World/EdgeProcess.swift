import Foundation
import Glibc
import NIOCore
import RelayTestKit

/// A `martlet-edge` that runs, and what one can ask it.
struct EdgeProcess: Sendable {
    let program: RelayProgram
    let processID: Int32
    let port: Int

    /// The host and port of requests.
    var authority: String { "127.0.0.1:\(port)" }

    /// Sends a signal without waiting for what comes of it.
    func signal(_ number: Int32) { _ = Glibc.kill(processID, number) }

    /// Whether the process is at its end; its status may still be waited for.
    var hasEnded: Bool {
        guard let stat = try? String(contentsOfFile: "/proc/\(processID)/stat", encoding: .utf8),
            let parenthesis = stat.lastIndex(of: ")")
        else { return true }
        return stat[parenthesis...].dropFirst(2).first == "Z"
    }

    /// Waits for its end, for at most that long, and returns the exit status.
    func exitStatus(within limit: Duration) async throws -> Int32 {
        try await eventually("the edge ends", within: limit) { hasEnded }
        return try await program.wait()
    }

    /// Resident memory in bytes.
    var residentBytes: Int { memory("VmRSS:") }

    /// The most resident memory that it ever had, in bytes.
    var peakResidentBytes: Int { memory("VmHWM:") }

    private func memory(_ name: String) -> Int {
        let status = (try? String(contentsOfFile: "/proc/\(processID)/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix(name) } ?? ""
        return (line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 1024
    }

    /// Sends a request on a connection of its own.
    ///
    /// - Parameters:
    ///   - host: the `Host` field; nil for the edge's own address.
    ///   - json: a body; it is said to be `application/json` unless the headers say otherwise.
    func ask(
        _ method: String, _ path: String, host: String? = nil, headers: [String] = [], json: String? = nil
    ) async throws -> HTTPAnswer {
        var head = ["\(method) \(path) HTTP/1.1", "Host: \(host ?? authority)", "Connection: close"] + headers
        if let json {
            head.append("Content-Length: \(json.utf8.count)")
            if !headers.contains(where: { $0.lowercased().hasPrefix("content-type:") }) {
                head.append("Content-Type: application/json")
            }
        }
        return try await request(head, body: json ?? "")
    }

    /// Sends these lines of a head, and a body, and reads the answer.
    func request(_ head: [String], body: String = "") async throws -> HTTPAnswer {
        let socket = try await RawSocket.connect(port: port)
        defer { socket.close() }
        try await socket.send(head.joined(separator: "\r\n") + "\r\n\r\n" + body)
        var answer: HTTPAnswer?
        try await eventually("\(head[0]) is answered") {
            let isClosed = socket.isClosed
            answer = HTTPAnswer(socket.received)
            return answer != nil || isClosed
        }
        guard let answer else { throw NeverHappened(description: "\(head[0]): the connection ended first") }
        return answer
    }

    /// One figure of `/metrics` by its name with labels; 0 where it is not there.
    func metric(_ name: String) async throws -> Int {
        let text = try await ask("GET", "/metrics").text
        let line = text.split(separator: "\n").first { $0.hasPrefix(name + " ") }
        return line.flatMap { $0.split(separator: " ").last }.flatMap { Int($0) } ?? 0
    }

    /// Waits until the probe through Redis passes.
    func waitUntilReady(within limit: Duration = .seconds(60)) async throws {
        try await eventually("the edge is ready", within: limit) {
            try await ask("GET", "/health/ready").status == 200
        }
    }
}

/// A whole answer.
struct HTTPAnswer: Sendable {
    let status: Int
    /// Names in lower case.
    let headers: [String: String]
    let body: ByteBuffer

    var text: String { String(buffer: body) }

    /// Nil as long as the bytes are not a whole answer with a `Content-Length`.
    init?(_ bytes: ByteBuffer) {
        let view = bytes.readableBytesView
        guard let end = view.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let lines = String(decoding: view[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        guard let status = lines[0].split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else { return nil }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(
                in: .whitespaces)
        }
        let length = headers["content-length"].flatMap { Int($0) } ?? 0
        guard view.endIndex - end.upperBound >= length,
            let body = bytes.getSlice(at: end.upperBound, length: length)
        else { return nil }
        self.status = status
        self.headers = headers
        self.body = body
    }
}
