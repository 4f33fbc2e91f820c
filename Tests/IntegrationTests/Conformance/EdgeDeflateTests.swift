import NIOCore
import RelayDeflate
import RelayTestKit
import RelayWire
import Testing

/// Compression where people talk: real clients of `/v1/ws`.
@Suite("Compression between people")
struct EdgeDeflateTests {
    private static func op(_ json: String) -> ByteBuffer { ClientFrame.text(json) }

    /// The texts of a peer's frames, inflated.
    private static func texts(_ peer: EchoPeer) -> [String] {
        let inflater = MessageInflater()
        return peer.look { $0.frames }.filter { $0.opcode == 1 }.map { frame in
            guard frame.isCompressed else { return String(buffer: frame.payload) }
            return (try? inflater.inflate(frame.payload, bytesMax: 1 << 24)).map { String(buffer: $0) }
                ?? "(no deflate)"
        }
    }

    @Test("Everybody hears the same, compressed once for all who agreed to it and plain for the others")
    func room() async throws {
        try await RelayWorld.run(edges: [["--threads", "1"]]) { _, edges in
            let port = edges[0].port
            var peers: [EchoPeer] = []
            for number in 0..<6 {
                let offer = number < 4 ? CompressionCases.offer : nil
                let peer = try await EchoPeer.connect(port: port, path: "/v1/ws?user=u\(number)", offer: offer)
                try await peer.send(Self.op(#"{"op":"join","room":"general","history":0}"#))
                try await eventually("it is in") { Self.texts(peer).contains { $0.contains(#""joined""#) } }
                peers.append(peer)
            }
            let words = String(repeating: "words that come again and again, ", count: 5)
            for number in 0..<20 {
                let text = "\(number): \(words)"
                // One that is compressed itself, as browsers send it, beside plain ones.
                var frame = ByteBuffer()
                let json = ByteBuffer(string: #"{"op":"send","room":"general","text":"\#(text)"}"#)
                #expect(MessageDeflater().writeFrame(.text, payload: json, into: &frame))
                let length: UInt8 = frame.getInteger(at: 1) ?? 0
                frame.moveReaderIndex(forwardBy: length < 126 ? 2 : 4)
                let isCompressed = number.isMultiple(of: 2)
                try await peers[isCompressed ? 0 : 5].send(
                    ClientFrame.frame(isCompressed ? 0xC1 : 0x81, isCompressed ? frame : json))
                try await eventually("\(number) is heard by all") {
                    peers.allSatisfy { peer in Self.texts(peer).contains { $0.contains(#""text":"\#(number): "#) } }
                }
            }
            let heard = peers.map { Self.texts($0).filter { $0.hasPrefix(#"{"id":"#) } }
            #expect(heard[0].count == 20)
            for one in heard { #expect(one == heard[0]) }
            for (number, peer) in peers.enumerated() {
                let compressed = peer.look { $0.frames.count(where: \.isCompressed) }
                #expect(number < 4 ? compressed >= 20 : compressed == 0)
            }
            // Twenty messages for four readers, on one loop.
            #expect(try await edges[0].metric("martlet_edge_deflated_total") == 20)
        }
    }

    @Test("A connection that has sent and received compressed messages keeps no compressor and no window")
    func memory() async throws {
        try await RelayWorld.run(edges: [[]]) { _, edges in
            let json = ByteBuffer(
                string: #"{"op":"history","room":"general","limit":1,"ref":"\#(String(repeating: "r", count: 120))"}"#)
            var frame = ByteBuffer()
            #expect(MessageDeflater().writeFrame(.text, payload: json, into: &frame))
            frame.moveReaderIndex(forwardBy: 2)
            var before = 0
            var peers: [EchoPeer] = []
            for number in 0..<350 {
                // What is allocated once is there after fifty of them.
                if number == 50 { before = edges[0].residentBytes }
                let peer = try await EchoPeer.connect(
                    port: edges[0].port, path: "/v1/ws?user=u\(number)", offer: CompressionCases.offer)
                try await peer.send(ClientFrame.frame(0xC1, frame))
                try await eventually("it is answered") { peer.look { $0.frames.contains(where: \.isCompressed) } }
                peers.append(peer)
            }
            // zlib alone would take 300 times 90 KB.
            #expect(FinishedCommand.isSanitized || edges[0].residentBytes - before < 300 * 24 * 1024)
            #expect(try await edges[0].metric("martlet_edge_sessions") == 350)
            withExtendedLifetime(peers) {}
        }
    }

    @Test("A bomb closes with 1009 and costs no memory, whoever throws it and however often")
    func bombs() async throws {
        try await RelayWorld.run(edges: [[]]) { _, edges in
            let zeros = ByteBuffer(repeating: 0x20, count: 12 << 20)
            var bomb = ByteBuffer()
            #expect(MessageDeflater().writeFrame(.text, payload: zeros, into: &bomb))
            // Less than 64 KiB, so that it is the inflated size that matters.
            let length: UInt8 = bomb.getInteger(at: 1) ?? 0
            #expect(length == 126)
            bomb.moveReaderIndex(forwardBy: 4)
            let before = edges[0].peakResidentBytes
            for number in 0..<30 {
                let peer = try await EchoPeer.connect(
                    port: edges[0].port, path: "/v1/ws?user=u\(number)", offer: CompressionCases.offer)
                try await peer.send(ClientFrame.frame(0xC1, bomb))
                try await eventually("it is closed") { peer.look { $0.isClosed } }
                #expect(peer.look { $0.frames.last?.payload.getInteger(at: 0, as: UInt16.self) } == 1009)
            }
            // One that were inflated as a whole would show here, however soon it was freed.
            #expect(FinishedCommand.isSanitized || edges[0].peakResidentBytes - before < 6 << 20)
        }
    }
}
