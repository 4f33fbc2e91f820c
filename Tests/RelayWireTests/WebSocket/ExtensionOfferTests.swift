import RelayWire
import Testing

@Suite("Offers of extensions")
struct ExtensionOfferTests {
    private typealias Parameter = ExtensionOffer.Parameter

    @Test("are read in order, over several fields, with blanks, quotes and escapes where the grammar has them")
    func list() {
        let offers = ExtensionOffer.parse([
            "a, b; x ;y=1\t; z = \"2\"", "", " , c;v=\"q\\uoted\" ,", "permessage-deflate; client_max_window_bits",
        ])
        #expect(
            offers == [
                ExtensionOffer("a"), ExtensionOffer("b", [Parameter("x"), Parameter("y", "1"), Parameter("z", "2")]),
                ExtensionOffer("c", [Parameter("v", "quoted")]),
                ExtensionOffer("permessage-deflate", [Parameter("client_max_window_bits")]),
            ])
        #expect(ExtensionOffer.parse([]) == [])
    }

    @Test("keep a parameter that stands twice: the extension decides")
    func twice() {
        #expect(ExtensionOffer.parse(["a; x; x"]) == [ExtensionOffer("a", [Parameter("x"), Parameter("x")])])
    }

    @Test(
        "are none where the grammar is broken",
        arguments: [
            "a b", "a;", "a; ;x", "a; x=", "a; x=,b", "a; x=\"\"", "a; x=\"b c\"", "a; x=\"b", "a; x=\"b\\", "a; =1",
            ";", "=", "a; x=1 2", "\"a\"", "a=1", "a; x=\"1\"2", "é", "a; x=\"b\\ \"",
        ])
    func broken(_ field: String) {
        #expect(ExtensionOffer.parse([field]) == nil)
        #expect(ExtensionOffer.parse(["good", field]) == nil)
    }
}

@Suite("What is agreed about permessage-deflate")
struct DeflateAgreementTests {
    private static let usualAnswer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

    private func answer(_ field: String) -> String? {
        ExtensionOffer.parse([field]).flatMap { DeflateAgreement(toFirstOf: $0) }?.answer
    }

    @Test(
        "No context is ever taken over, asked for or not, and the client's own window is its business",
        arguments: [
            "permessage-deflate", "permessage-deflate; client_max_window_bits",
            "permessage-deflate; client_max_window_bits=8", "permessage-deflate; client_max_window_bits=\"15\"",
            "permessage-deflate; server_no_context_takeover", "permessage-deflate; client_no_context_takeover",
            "permessage-deflate; client_no_context_takeover; server_no_context_takeover; client_max_window_bits=10",
            "x-other; a=1, permessage-deflate",
        ])
    func usual(_ offer: String) {
        #expect(answer(offer) == Self.usualAnswer)
    }

    @Test("A window that the client limits is kept to, and told", arguments: 8...15)
    func window(_ bits: Int) throws {
        let field = "permessage-deflate; server_max_window_bits=\(bits)"
        #expect(answer(field) == "\(Self.usualAnswer); server_max_window_bits=\(bits)")
        let agreement = try #require(ExtensionOffer.parse([field]).flatMap { DeflateAgreement(toFirstOf: $0) })
        #expect(agreement.serverWindowBytes == 1 << bits)
    }

    private static let badOffers = [
        "", "deflate", "x-webkit-deflate-frame", "Permessage-Deflate", "permessage-deflate; unknown",
        "permessage-deflate; server_no_context_takeover=1", "permessage-deflate; client_no_context_takeover=true",
        "permessage-deflate; server_max_window_bits", "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=16", "permessage-deflate; server_max_window_bits=09",
        "permessage-deflate; server_max_window_bits=+9", "permessage-deflate; server_max_window_bits=9a",
        "permessage-deflate; server_max_window_bits=99999999999999999999999",
        "permessage-deflate; client_max_window_bits=7", "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; client_max_window_bits=08", "permessage-deflate; client_max_window_bits=x",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits=9; server_max_window_bits=9",
    ]

    @Test("An offer that the RFC does not allow is declined, and the next one may do", arguments: badOffers)
    func declined(_ offer: String) {
        #expect(answer(offer) == nil)
        let next = "permessage-deflate; server_max_window_bits=12"
        #expect(answer("\(offer), \(next), permessage-deflate") == "\(Self.usualAnswer); server_max_window_bits=12")
    }

    @Test("Of several good offers the first one counts")
    func first() {
        #expect(answer("permessage-deflate; server_max_window_bits=9, permessage-deflate")?.hasSuffix("=9") == true)
        #expect(answer("permessage-deflate, permessage-deflate; server_max_window_bits=9") == Self.usualAnswer)
    }
}
