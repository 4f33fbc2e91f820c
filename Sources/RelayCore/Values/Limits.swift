/// Every bound of the relay in one place. Each says what happens where it is reached.
public struct Limits: Sendable, Equatable {
    // What an operator may set.

    /// Bytes of a text; a longer one is refused with `too_large`.
    public var textBytesMax = 4096
    /// Ops a second that a session may send on and on; above it `rate_limited`.
    public var ratePerSecond = 20
    /// Ops that a session may send at once; above it `rate_limited`.
    public var burst = 40
    /// Rooms that one session may be in; one more is refused with `full`.
    public var roomsPerSessionMax = 128
    /// Open connections of one edge; a further one is answered 503 and closed, or closed at once where more than
    /// `refusalsMax` wait for that answer.
    public var connectionsMax = 100_000
    /// Open connections of one address; a further one is answered 429 and closed. 0 is no limit.
    public var connectionsPerAddressMax = 0
    /// Ops a second that a user may send on and on, by all sessions and over all edges; 0 is three times the rate of
    /// a session. Above it `rate_limited`.
    public var userRatePerSecond = 0
    /// Bytes that wait for one reader before it is no longer pushed to but reads on from history.
    public var slowBudgetBytes = 256 * 1024

    /// The defaults of the contract.
    public init() {}

    // What is fixed.

    /// Bytes of a room id or a user id.
    public static let identifierBytesMax = 64
    /// Bytes of a display name.
    public static let nameBytesMax = 64
    /// Bytes of a nonce.
    public static let nonceBytesMax = 64
    /// Characters of a `ref`; a longer one is `bad_request`.
    public static let refBytesMax = 128
    /// Bytes of one WebSocket message after reassembly and inflation; a larger one closes with 1009.
    public static let frameBytesMax = 64 * 1024
    /// Bytes of one message to `/v1/echo`; a larger one closes with 1009.
    public static let echoBytesMax = 16 << 20
    /// Levels of nesting in a client's JSON; deeper is `bad_request`.
    public static let jsonDepthMax = 16
    /// Bytes of an HTTP body; a larger one is 413.
    public static let bodyBytesMax = 64 * 1024
    /// Messages in one answer; a higher `limit` is cut to it.
    public static let pageMessagesMax = 500
    /// Messages that a `join` brings where it says nothing.
    public static let historyDefault = 50
    /// Messages that a room's stream holds where nothing else is set; beyond it posts are refused as `full`.
    public static let ceilingDefault = 100_000
    /// Frames of one room that an edge keeps at hand; older ones are read from the stream.
    public static let ringFramesMax = 1024
    /// Bytes of one room's ring; the oldest frames go first.
    public static let ringBytesMax = 1 << 20
    /// Live frames held back while a feed reads its stream; on overflow the feed reads once more.
    public static let heldFramesMax = 1024
    /// Connections over `connectionsMax` that are answered; a further one is closed at once.
    public static let refusalsMax = 1024
    /// Events of one room held back while it is read who may be in it; a further one is not told.
    public static let heldEventsMax = 256
    /// Joins that wait for one room's read; a further one is `unavailable`.
    public static let waitingJoinsMax = 100_000
    /// Drafts that wait for one room's script; a further one is `unavailable`.
    public static let waitingPostsMax = 4096
    /// Drafts that wait for others to post with, over all rooms; with these they leave.
    public static let gatheredPostsMax = 16
    /// Drafts that one call of the script carries; the rest is the next call.
    public static let postsPerCallMax = 64
    /// Messages of an edge's own that it could put back where Redis loses them; the oldest are forgotten first.
    public static let ledgerMessagesMax = 16_384
    /// Bytes of these messages, with what holds them; the oldest are forgotten first.
    public static let ledgerBytesMax = 8 << 20
    /// Answers that wait beyond the slow budget, as a multiple of it, before a session is closed as too slow. A client
    /// that takes up its 128 rooms again asks for 2 MB at once.
    public static let replyBudgetFactor = 16
    /// What a session is told to wait that joins a room which it is only just leaving, before the join was answered.
    public static let unsettledWait: Duration = .milliseconds(200)
    /// Bytes that a pong counts as among these, beside its payload: about what one takes that waits for a socket.
    public static let pongCost = 128
    /// People that one `who` lists; the answer says after whom the next page begins.
    public static let whoMax = 1000
    /// Bytes of a pattern of rooms in a token; a longer one is no pattern.
    public static let patternBytesMax = 2 * identifierBytesMax + 4
    /// Members of a private room; a further one is refused with `full`.
    public static let membersMax = 1000
    /// Members that one `create` or change may name; more is `bad_request`.
    public static let membersNamedMax = 200
    /// Bytes of a topic; a longer one is `too_large`.
    public static let topicBytesMax = 256
    /// New rooms of one user within `roomsCreatedSpan`; a further one is `rate_limited`. Counted are rooms that came
    /// into being by `create` or by what was said, and those that a join made with their first message.
    public static let roomsCreatedMax = 20
    /// The greatest number of a message: as far as a script of Redis and a client in JavaScript count. An entry with a
    /// greater one is no message, and a counter that says more says this.
    public static let seqMax: UInt64 = 1 << 53
    /// People in a room as an event may tell; a greater number is this one.
    public static let hereMax = 100_000_000
    /// Rooms in one user's list; a further one is not taken into it.
    public static let conversationsMax = 5000
    /// Rooms of that list that one answer shows; the answer says after which the next page begins.
    public static let conversationsListed = 500
    /// Rooms that are looked at for the list of a lobby, the latest; older ones are not in it.
    public static let lobbyLookMax = 500
    /// Rooms that a lobby or `/rooms` lists; further ones are not in it.
    public static let lobbyRoomsMax = 50
    /// Lines that are kept while a text session is on its way into a room; a further one is lost, and that is said.
    public static let heldLinesMax = 64
    /// Users present up to whom each coming and going is told; in a larger room they are told in summary.
    public static let presenceToldMax = 200
    /// Markers that wait to be told; with one more they are told at once.
    public static let waitingMarkersMax = 4096
    /// Markers that wait while they cannot be told; a further one is dropped, counted, and said in the log.
    public static let heldMarkersMax = 16_384
    /// Markers that are told at a time; the others follow when these are answered.
    public static let markersPerTellingMax = 512
    /// Lists of rooms that an edge reads at a time; the others wait for their turn.
    public static let listReadsMax = 4
    /// Those who wait for a list of rooms; a further one is `unavailable`.
    public static let listReadersMax = 4096
    /// Copies of direct messages that wait for one session's join; further ones are given at once, and may come once
    /// more with the answer.
    public static let heldCopiesMax = 256
    /// Deletions of one room that an edge remembers for its answers; the oldest are forgotten, and a message in the
    /// ring is then shown as it was said to whoever joins.
    public static let deletionsMax = 10_000
    /// Direct conversations of one user that an edge keeps a place in; with one more that of the oldest message
    /// is forgotten.
    public static let directPlacesMax = 256
    /// Refused ops, as a multiple of the burst, that a session may send at once, and as many a second as its rate on
    /// and on, before it is closed as a flood.
    public static let floodFactor = 5
    /// Reads of the archive that wait for the disk; a further one is `unavailable`.
    public static let archiveReadsMax = 1024
    /// Rooms of which `room.json` says that they had the id before; the messages of older ones are nobody's.
    public static let archiveFormerRoomsMax = 100

    /// Seconds after which a reader of events may have them ended (`wait`); more is cut to it.
    public static let eventsWaitMax = 300

    /// Over what time new rooms are counted.
    public static let roomsCreatedSpan: Duration = .seconds(3600)
    /// How often a session may say that its user types in a room; what comes sooner is dropped.
    public static let typingInterval: Duration = .seconds(2)
    /// How often markers that move by what their users say are told.
    public static let markerInterval: Duration = .seconds(1)
    /// How fresh the others know what a user did last in a room.
    public static let activityInterval: Duration = .seconds(10)
    /// How long a room that was deleted, and of which nothing waits to be archived, is remembered as such: for longer
    /// than edges remember what they posted there and what the room was.
    public static let emptyTombstoneSpan: Duration = ledgerAgeMax + .seconds(60)
    /// How long a read of the archive may take once it is its turn; then its readers have to ask again, but for those
    /// who want the newest, who are given what the stream holds.
    public static let archiveDeadline: Duration = .seconds(3)
    /// How long a read of the archive may wait for its turn; then its readers are told `unavailable`.
    public static let archivePatience: Duration = .seconds(10)
    /// How long the last page of older messages is kept at hand for readers who come a little later.
    public static let recentPageAge: Duration = .seconds(1)
    /// How long a connection may take to finish its handshake or to say who it is; then 4501, or a cut without HTTP.
    public static let helloDeadline: Duration = .seconds(10)
    /// How long after the last member left a room its channel stays subscribed.
    public static let unsubscribeDelay: Duration = .seconds(1)
    /// Members on one loop from which on a busy room's messages wait for each other (`--coalesce`); with fewer, never.
    public static let heldMembersMin = 32
    /// How often an edge says that it lives.
    public static let heartbeatInterval: Duration = .seconds(5)
    /// How old a heartbeat may be before an edge counts as dead.
    public static let heartbeatLifetime: Duration = .seconds(15)
    /// How often quiet rooms are checked against `chat:rooms`.
    public static let positionCheckInterval: Duration = .seconds(10)
    /// How long the peer may take to answer a close frame before the socket is cut.
    public static let closeHandshakeDeadline: Duration = .seconds(5)
    /// How long after the drain sessions may take to answer their close frames before the edge ends without them.
    public static let drainTail: Duration = .seconds(2)
    /// How old a message may be that an edge could put back; then it is forgotten.
    public static let ledgerAgeMax: Duration = .seconds(300)
    /// How long a room's feed waits for the edges to put back what Redis lost, before it tells its members; what comes
    /// later is told once more.
    public static let restoreSpan: Duration = .milliseconds(1400)
    /// How long Redis may wait for replicas (`--ack-replicas`); then the acknowledgement says what was reached.
    public static let replicaWait: Duration = .milliseconds(500)
    /// How long Redis may take to answer a post before its senders are told `unavailable`.
    public static let postDeadline: Duration = .seconds(2)
    /// How long a session is kept without Redis; then it is closed with 4001.
    public static let withoutRedisMax: Duration = .seconds(600)
}
