public import NIOCore

/// How an edge hears of operators, remembers what they imposed, and tells other edges of users who send much.
///
/// Every call, completion and delegate call happens on the one event loop that owns it.
public protocol ControlChannel: AnyObject {
    /// Who is told what comes in. Not retained.
    var delegate: (any ControlChannelDelegate)? { get set }

    /// Tells every edge what is ordered, this one too. Answers nil where that is done.
    func order(_ command: ControlCommand, completion: @escaping (Refusal?) -> Void)

    /// Remembers a sanction for all edges, also those that start later. Answers whether that is done.
    func remember(_ sanction: Sanction, untilMilliseconds: UInt64, completion: @escaping (Bool) -> Void)

    /// Forgets what was imposed on the user there.
    func forget(user: UserID, room: RoomID?)

    /// The sanctions that hold at that moment.
    func readSanctions(
        nowMilliseconds: UInt64,
        completion: @escaping (Result<[(sanction: Sanction, untilMilliseconds: UInt64)], Refusal>) -> Void)

    /// Tells the other edges who sent how much here within the last second.
    func tell(_ usages: [UserUsage])
}

/// What a control channel tells its owner.
public protocol ControlChannelDelegate: AnyObject {
    /// The channel is heard from now on; what was ordered before has to be read.
    func controlSubscribed()
    /// Bytes that came over the channel, as they came.
    func controlReceived(_ payload: ByteBuffer)
    /// Another edge said who sent how much there within a second.
    func usageReceived(_ usages: [UserUsage], from edge: EdgeID)
}
