import RelayClient
import RelayCore
import RelayTestKit
import RelayWire

extension Talker {
    /// Says all of these, in order, and returns when the last is acknowledged, with every acknowledgement.
    ///
    /// So many are under way at once as a debug edge stores within the deadline of a post, on a slow machine too.
    @discardableResult
    func sayAll(_ texts: some Sequence<String>, in room: String) async throws -> [Acknowledgement] {
        let batch = 200 / FinishedCommand.slowness
        var receipts: [Acknowledgement] = []
        var refs: [Reference] = []
        for text in texts {
            refs.append(try await begin("send", #""room":"\#(room)","text":"\#(text)""#))
            if refs.count == batch { receipts += try await acknowledgements(of: &refs) }
        }
        return receipts + (try await acknowledgements(of: &refs))
    }

    /// Says so many things of 2 KB in the room `general` and returns when all are acknowledged.
    func fill(_ count: Int) async throws {
        try await sayAll(repeatElement(String(repeating: "x", count: 2000), count: count), in: "general")
    }

    private func acknowledgements(of refs: inout [Reference]) async throws -> [Acknowledgement] {
        defer { refs = [] }
        var receipts: [Acknowledgement] = []
        for ref in refs {
            let answer = try await answer(to: ref)
            guard case .acknowledged(let receipt) = answer else {
                throw NeverHappened(description: "an acknowledgement: \(answer)")
            }
            receipts.append(receipt)
        }
        return receipts
    }
}
