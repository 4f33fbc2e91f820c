import Foundation
import RelayClient
import RelayTestKit
import Testing

/// A conversation as it is written down, played on a relay: what each one types, and what each one reads, in order.
///
///     alice$ websocat 'ws://127.0.0.1:8080/v1/ws?format=text&user=alice&room=tea'
///     alice> hello
///     alice< <alice> hello
///
/// `$` is a command: a `websocat` connects, anything else is run by a shell. Whoever reads lines reads exactly these.
/// Whoever speaks JSON reads exactly these envelopes in this order, exactly these answers, and of events at least the
/// ones that stand there. Ids, times and the names of edges are what they are; a bell is written as ␇.
struct Transcript {
    enum Step {
        case command(who: String, String)
        case typed(who: String, String)
        case read(who: String, String)
    }

    let steps: [Step]

    init(_ text: String) throws {
        steps = try text.split(separator: "\n").map { line in
            let match = try #require(line.wholeMatch(of: /([a-z]+)([$><]) *(.*)/), "\(line)")
            let (who, rest) = (String(match.1), String(match.3).replacing("␇", with: "\u{7}"))
            return switch match.2 {
            case "$": .command(who: who, rest)
            case ">": .typed(who: who, rest)
            default: .read(who: who, rest)
            }
        }
    }

    /// The first block of text below a heading of a page.
    init(below heading: String, in page: String) throws {
        let start = try #require(page.range(of: "\n\(heading)\n")).upperBound
        let opening = try #require(page[start...].range(of: "```text\n")).upperBound
        let end = try #require(page[opening...].range(of: "\n```")).lowerBound
        try self.init(String(page[opening..<end]))
    }

    /// What differs from one time to the next.
    static func normalized(_ text: String) -> String {
        text.replacing(/"edge":"[^"]*"/, with: #""edge":"E""#).replacing(/[0-9]{13}(-[0-9]+)?/, with: "N")
    }

    /// What somebody has who speaks JSON: three kinds of messages, each in its order.
    private struct Mail {
        var envelopes: [String] = []
        var answers: [String] = []
        var events: [String] = []

        mutating func sort(_ text: String) {
            if text.hasPrefix(#"{"id":"#) {
                envelopes.append(text)
            } else if text.contains(#""ref":"#) {
                answers.append(text)
            } else {
                events.append(text)
            }
        }

        /// Takes out what is expected next, where it has come.
        mutating func take(_ expected: String) -> String? {
            if expected.hasPrefix(#"{"id":"#) { return envelopes.isEmpty ? nil : envelopes.removeFirst() }
            if expected.contains(#""ref":"#) { return answers.isEmpty ? nil : answers.removeFirst() }
            guard let index = events.firstIndex(where: { normalized($0) == normalized(expected) }) else { return nil }
            return events.remove(at: index)
        }
    }

    /// Plays it. The edges stand for the ports 8080 and 8081.
    func play(on edges: [EdgeProcess]) async throws {
        var typists: [String: Typist] = [:]
        var mails: [String: Mail] = [:]
        var outputs: [String: [String]] = [:]
        for step in steps {
            switch step {
            case .command(let who, let command):
                var here = command
                for (index, edge) in edges.enumerated() {
                    here.replace("127.0.0.1:\(8080 + index)", with: edge.authority)
                }
                if let url = here.firstMatch(of: /websocat '(ws:[^']+)'/)?.1 {
                    let edge = try #require(edges.first { url.contains($0.authority) })
                    typists[who] = try await Typist.connect(edge, String(url.split(separator: "?")[1]))
                    mails[who] = url.contains("format=text") ? nil : Mail()
                } else {
                    let done = try FinishedCommand.run(["/bin/sh", "-ec", here])
                    outputs[who] = done.output.split(separator: "\n").map(String.init)
                }
            case .typed(let who, let text): try await typists[who]?.type(text)
            case .read(let who, let expected):
                var found: String?
                if outputs[who]?.isEmpty == false {
                    found = outputs[who]?.removeFirst()
                } else if mails[who] != nil {
                    found = mails[who]?.take(expected)
                    while found == nil, let text = try await typists[who]?.next() {
                        mails[who]?.sort(text)
                        found = mails[who]?.take(expected)
                    }
                } else {
                    found = try await typists[who]?.next()
                }
                let text = try #require(found, "\(who) reads nothing of \(expected)")
                #expect(Self.normalized(text) == Self.normalized(expected), "\(who)")
            }
        }
        for (who, typist) in typists where mails[who] == nil {
            let read = steps.count { if case .read(who, _) = $0 { true } else { false } }
            #expect(typist.texts.count == read, "\(who) reads nothing else: \(typist.texts.dropFirst(read))")
        }
        for typist in typists.values { await typist.connection.close() }
    }
}
