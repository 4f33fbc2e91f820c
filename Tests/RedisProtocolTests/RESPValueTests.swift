import NIOCore
import RedisProtocol
import Testing

@Suite("RESPValue and the errors of Redis")
struct RESPValueTests {
    @Test("Each accessor answers for its own kind alone")
    func accessors() {
        let bulk = RESPValue.bulk(ByteBuffer(string: "17"))
        #expect(bulk.string == "17")
        #expect(bulk.int == 17)
        #expect(bulk.bytes == ByteBuffer(string: "17"))
        #expect(bulk.array == nil)
        #expect(RESPValue.integer(-3).int == -3)
        #expect(RESPValue.integer(-3).string == nil)
        #expect(RESPValue.simpleString("OK").string == "OK")
        #expect(RESPValue.simpleString("OK").int == nil)
        #expect(RESPValue.null.isNull)
        #expect(!RESPValue.array([]).isNull)
        #expect(RESPValue.array([.null]).array == [.null])
        #expect(RESPValue.error(RESPError(line: "ERR x")).error?.message == "ERR x")
    }

    @Test("Digits are a number from 0 up, and nothing else is")
    func digits() {
        let values = ["0", "17", "1795301188439", "9999999999999999999"]
        for text in values { #expect(RESPValue.bulk(ByteBuffer(string: text)).digits == UInt64(text)) }
        for text in ["", "-1", "+1", "1 ", "1x", "x", "99999999999999999999", "/", ":"] {
            #expect(RESPValue.bulk(ByteBuffer(string: text)).digits == nil, "\(text)")
        }
        #expect(RESPValue.integer(1).digits == nil)
        #expect(RESPValue.null.digits == nil)
    }

    @Test(
        "An error line is divided into its code and its text",
        arguments: [
            ("NOSCRIPT No matching script.", "NOSCRIPT"), ("ERR unknown command", "ERR"), ("oops", "ERR"), ("", "ERR"),
            ("NO_SUCH thing", "NO_SUCH"), ("Mixed case", "ERR"),
        ])
    func errorCode(_ line: String, _ code: String) {
        let error = RESPError(line: line)
        #expect(error.code == code)
        #expect(error.message == line)
    }

    @Test(
        "The codes that callers act on have a kind",
        arguments: [
            ("LOADING", RedisErrorKind.loading), ("MISCONF", .misconfigured), ("OOM", .outOfMemory),
            ("READONLY", .readOnly), ("NOSCRIPT", .noScript), ("NOAUTH", .noAuth), ("WRONGPASS", .wrongPassword),
            ("NOPERM", .noPermission), ("WRONGTYPE", .wrongType), ("UNKILLABLE", .unkillable), ("BUSY", .busy),
            ("MOVED", .redirected), ("ERR", .other),
        ])
    func kinds(_ code: String, _ kind: RedisErrorKind) {
        #expect(RedisError(RESPError(line: "\(code) text")).kind == kind)
        #expect(RedisError.timeout.kind == nil)
    }

    @Test("Only what was written may have been executed")
    func mayHaveExecuted() {
        #expect(RedisError.timeout.mayHaveExecuted)
        #expect(RedisError.connectionLost(mayHaveExecuted: true).mayHaveExecuted)
        #expect(!RedisError.connectionLost(mayHaveExecuted: false).mayHaveExecuted)
        #expect(!RedisError.unavailable.mayHaveExecuted)
        #expect(!RedisError.overloaded.mayHaveExecuted)
        #expect(!RedisError.serverError(code: "OOM", message: "OOM x").mayHaveExecuted)
    }

    @Test("A server that is too old is named with what is needed")
    func versionMessage() {
        let error = RedisError.unsupportedVersion("6.2.1", server: "db:6379")
        #expect(error.description == "Redis 7.0 or newer is needed, db:6379 runs 6.2.1")
        #expect(error.needsOperator)
    }
}
