import RelayTestKit
import Testing

/// A WebSocket implementation that nobody here has written, the `websockets` of Debian's python3-websockets, against
/// the echo of a real edge.
@Suite("A third party's WebSockets", .timeLimit(.minutes(20)))
struct ThirdPartyPeerTests {
    /// Sends messages of random kinds and sizes, whole and in fragments, over connections with all kinds of offers,
    /// and wants each of them back. Prints how many that were, and how many bytes.
    private static let script = """
        import asyncio, os, random, sys, websockets
        from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory as Deflate

        port, seed, rounds = (int(word) for word in sys.argv[1:])
        random.seed(seed)
        offers = [None, Deflate(), Deflate(client_max_window_bits=True), Deflate(server_max_window_bits=9),
                  Deflate(client_max_window_bits=9), Deflate(server_max_window_bits=15, client_max_window_bits=12),
                  Deflate(server_no_context_takeover=True, client_no_context_takeover=True)]

        def message():
            size = random.choice([0, 1, 20, 125, 126, 127, 200, 1000, 5000, 65535, 65536, 100000])
            kind = random.randrange(4)
            if kind == 0: return os.urandom(size)
            if kind == 1: return 'x' * size
            if kind == 2: return ''.join(random.choice('aé€😀 ') for _ in range(size // 2))
            return ('{"type":"message","seq":%d}' % random.randrange(10**6) * (size // 20 + 1)).encode()

        def fragments(whole):
            step = random.randrange(1, 5000)
            return [whole[at:at + step] for at in range(0, len(whole), step)] or [whole]

        async def talk(offer, count):
            extensions = [] if offer is None else [offer]
            async with websockets.connect('ws://127.0.0.1:%d/v1/echo' % port, compression=None, max_size=2**25,
                                          extensions=extensions) as socket:
                assert len(socket.extensions) == len(extensions), socket.extensions
                total = 0
                for _ in range(count):
                    sent = message()
                    await socket.send(sent if random.random() < 0.6 else fragments(sent))
                    heard = await asyncio.wait_for(socket.recv(), 60)
                    assert heard == sent, (type(sent), len(sent), type(heard), len(heard))
                    total += len(sent)
                await asyncio.wait_for(await socket.ping(b'still there?'), 60)
                await socket.close(1000, 'enough')
                assert socket.close_code == 1000, socket.close_code
                return total

        async def main():
            totals = await asyncio.gather(*(talk(offer, rounds) for offer in offers))
            print(len(offers) * rounds, sum(totals))

        asyncio.run(main())
        """

    @Test("Whatever it sends, compressed in any way and in fragments, comes back as it was")
    func echo() async throws {
        let edge = try await ConformanceEdge.shared.edge()
        let rounds = Campaign.isOn ? 2000 : 60
        let seed = Int.random(in: 1...1_000_000)
        let peer = try await FinishedCommand.runAside(
            ["/usr/bin/python3", "-c", Self.script, "\(edge.port)", "\(seed)", "\(rounds)"])
        #expect(peer.exitCode == 0, "seed \(seed), Debian's python3-websockets is needed: \(peer.errorOutput)")
        let words = peer.output.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
        #expect(words.first == 7 * rounds && (words.last ?? 0) > 10_000, "seed \(seed): \(peer.output)")
    }
}
