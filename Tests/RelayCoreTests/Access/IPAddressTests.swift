import RelayCore
import Testing

@Suite("An address")
struct IPAddressTests {
    @Test("is read in each of its forms")
    func forms() throws {
        #expect(IPAddress("192.0.2.1")?.description == "192.0.2.1")
        #expect(IPAddress("::ffff:192.0.2.1") == IPAddress("192.0.2.1"))
        #expect(IPAddress("::ffff:c000:201") == IPAddress("192.0.2.1"))
        #expect(IPAddress("[2001:db8::1]")?.description == "2001:db8:0:0:0:0:0:1")
        #expect(IPAddress("fe80::1%eth0") == IPAddress("fe80::1"))
        #expect(IPAddress("::")?.bits == 0 && IPAddress("::1")?.bits == 1)
        #expect(IPAddress("1:2:3:4:5:6:7::") == IPAddress("1:2:3:4:5:6:7:0"))
        #expect(try #require(IPAddress("127.0.0.9")).isLoopback && #require(IPAddress("::1")).isLoopback)
        #expect(try #require(IPAddress("2001:db8:1:2:3:4:5:6")).holder == IPAddress("2001:db8:1:2::"))
    }

    @Test(
        "is nothing else",
        arguments: [
            "", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.+4", "1.2.3.4 ", "01234.1.1.1", ":", ":::", "1::2::3",
            "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "g::", "::1.2.3", "1.2.3.4::", "localhost",
            "1:2:3:4:5:6:7:8::",
        ])
    func wrong(_ text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test("is in a range or is not")
    func ranges() throws {
        func holds(_ range: String, _ address: String) throws -> Bool {
            try #require(AddressRange(range)).contains(try #require(IPAddress(address)))
        }
        #expect(try holds("10.0.0.0/8", "10.255.0.1") && !holds("10.0.0.0/8", "11.0.0.1"))
        #expect(try holds("192.0.2.1", "192.0.2.1") && !holds("192.0.2.1", "192.0.2.2"))
        #expect(try holds("0.0.0.0/0", "8.8.8.8") && !holds("0.0.0.0/0", "2001:db8::1"))
        #expect(try holds("::/0", "8.8.8.8") && holds("::/0", "2001:db8::1"))
        #expect(try holds("2001:db8::/32", "2001:db8:ffff::1") && !holds("2001:db8::/32", "2001:db9::1"))
        for text in ["10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8", "x/8", "2001:db8::/129"] {
            #expect(AddressRange(text) == nil, "\(text)")
        }
    }
}

@Suite("Who is behind proxies")
struct ClientAddressTests {
    private static func client(
        _ peer: String, _ forwardedFor: [String] = [], _ forwarded: [String] = [], trusted: [String] = ["10.0.0.0/8"]
    ) throws -> String {
        ClientAddress.resolve(
            peer: try #require(IPAddress(peer)), forwardedFor: forwardedFor, forwarded: forwarded,
            trusted: try trusted.map { try #require(AddressRange($0)) }
        ).description
    }

    @Test("a peer that is no proxy speaks for itself, whatever it writes")
    func untrusted() throws {
        #expect(try Self.client("192.0.2.1", ["198.51.100.1"], ["for=198.51.100.2"]) == "192.0.2.1")
        #expect(try Self.client("192.0.2.1", ["198.51.100.1"], trusted: []) == "192.0.2.1")
    }

    @Test("behind proxies it is the rightmost that is none: what stands left of it anybody could write")
    func rightmost() throws {
        #expect(try Self.client("10.0.0.1", ["198.51.100.1"]) == "198.51.100.1")
        #expect(try Self.client("10.0.0.1", ["6.6.6.6, 198.51.100.1, 10.0.0.2"]) == "198.51.100.1")
        #expect(try Self.client("10.0.0.1", ["6.6.6.6", "198.51.100.1 , 10.0.0.2"]) == "198.51.100.1")
        #expect(try Self.client("10.0.0.1", ["10.0.0.3,10.0.0.2"]) == "10.0.0.3")
        #expect(try Self.client("10.0.0.1", ["6.6.6.6, nonsense, 10.0.0.2"]) == "10.0.0.2")
        #expect(try Self.client("10.0.0.1", ["198.51.100.1:4711"]) == "198.51.100.1")
        #expect(try Self.client("10.0.0.1") == "10.0.0.1")
    }

    @Test("the standard's header is read too, and neither where the two disagree")
    func forwarded() throws {
        #expect(try Self.client("10.0.0.1", [], ["for=198.51.100.1;proto=https"]) == "198.51.100.1")
        #expect(
            try Self.client("10.0.0.1", [], [#"for=6.6.6.6, proto=http;For="[2001:db8::1]:4711""#])
                == "2001:db8:0:0:0:0:0:1")
        #expect(try Self.client("10.0.0.1", [], ["for=6.6.6.6, for=unknown"]) == "10.0.0.1")
        #expect(try Self.client("10.0.0.1", ["198.51.100.1"], ["for=198.51.100.1"]) == "198.51.100.1")
        #expect(try Self.client("10.0.0.1", ["6.6.6.6"], ["for=198.51.100.1"]) == "10.0.0.1")
    }
}
