/// How posts reach the relay.
public enum PostRoute: String, Sendable, CaseIterable {
    /// A WebSocket of its own for each poster, which never waits for an answer before it posts again.
    case webSocket = "ws"
    /// A connection of its own for each poster, one request at a time.
    case http
    /// The script that edges post with, straight to Redis: what is measured is fan-out alone.
    case redis
}

/// A load: who is connected, what is said, for how long.
public struct BenchPlan: Sendable, Equatable {
    /// When a post is made.
    public enum Pace: Sendable, Equatable {
        /// So many a second, over all rooms, whatever comes of them.
        case rate(Double)
        /// The next one as soon as fewer than so many are on their way to a reader.
        case window(Int)
        /// Never: connections stand idle.
        case none
    }

    /// Connections that read; with 0 it is only posted.
    public var readers: Int
    /// Whether readers offer compression, and give up a relay that does not agree.
    public var offersDeflate: Bool
    /// Rooms, over which readers and posts are spread evenly.
    public var rooms: Int
    /// What a room's name begins with; its number follows.
    public var roomPrefix: String
    /// When posts are made.
    public var pace: Pace
    /// How they are made.
    public var route: PostRoute
    /// Connections that post.
    public var posters: Int
    /// Bytes of a text.
    public var textBytes: Int
    /// Nanoseconds that are measured.
    public var span: UInt64
    /// Nanoseconds of the same load before that.
    public var warmUp: UInt64
    /// Nanoseconds between two storms, in each of which every reader is cut off and comes back; 0 for none.
    public var stormInterval: UInt64
    /// How many readers a second leave their room and join it again.
    public var joinsPerSecond: Double
    /// Sent as `Authorization: Bearer`; nil where anyone is whom they say.
    public var token: String?

    /// A thousand readers of one room, in which fifty messages a second are said for ten seconds.
    public init() {
        readers = 1000
        offersDeflate = false
        rooms = 1
        roomPrefix = "bench:"
        pace = .rate(50)
        route = .webSocket
        posters = 8
        textBytes = 128
        span = 10_000_000_000
        warmUp = 1_000_000_000
        stormInterval = 0
        joinsPerSecond = 0
    }

    /// Whether any of it goes to edges, and not all straight to Redis.
    public var needsEdges: Bool { readers > 0 || route != .redis }

    /// The name of a room by its index.
    public func roomName(_ index: Int) -> String { "\(roomPrefix)\(index + 1)" }

    /// How many readers a room has.
    public func members(of room: Int) -> Int { readers / rooms + (room < readers % rooms ? 1 : 0) }

    /// How many posters a load needs, so that none says more than ten a second: half of what an edge grants a session.
    public static func usualPosters(_ pace: Pace, _ route: PostRoute) -> Int {
        switch (pace, route) {
        case (.none, _): 0
        case (_, .http): 32
        case (_, .redis): 2
        case (.rate(let rate), .webSocket): min(max(Int((rate / 10).rounded(.up)), 1), BenchLimits.postersMax)
        case (.window, .webSocket): 8
        }
    }
}

/// The bounds of a load. Beyond them a command line is refused.
public enum BenchLimits {
    /// Connections that read.
    public static let readersMax = 500_000
    /// Rooms.
    public static let roomsMax = 200_000
    /// Connections that post; their number is written with four digits.
    public static let postersMax = 1000
    /// Posts a second.
    public static let rateMax = 1_000_000.0
    /// Posts on their way at once, where they are not paced.
    public static let windowMax = 100_000
    /// Bytes of a text: a frame of the relay's has 64 KiB.
    public static let textBytesMax = 60_000
    /// Nanoseconds: a day.
    public static let spanMax: UInt64 = 86_400_000_000_000
    /// A frame that a reader takes; the connection is given up at a longer one.
    static let frameBytesMax = 16 << 20
    /// Bytes that wait to be sent for one poster before posts wait instead.
    static let backlogBytesMax = 1 << 20
    /// Connections that are being made at once.
    static let connectingMax = 128
    /// Descriptors beside those of readers and posters.
    static let spareDescriptors = 32
    /// How long nothing may happen before what is missing is given up, in nanoseconds.
    static let patience: UInt64 = 10_000_000_000
    /// How long edges may take to let go of everybody and come to rest, in nanoseconds.
    static let leavingPatience: UInt64 = 30_000_000_000
    /// How long processes have to be at rest, in nanoseconds: longer than an edge stays in a room that nobody is in.
    static let restSpan: UInt64 = 1_500_000_000
    /// The share of a processor that processes take at rest, all together.
    static let restShare = 0.05
    /// The points of the curve of deliveries over time; a long run has longer steps.
    static let timelinePoints = 200
}
