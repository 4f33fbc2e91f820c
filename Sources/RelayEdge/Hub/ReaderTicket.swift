import NIOCore
import RelayCore

/// A session that waits for a room's answer, as the hub carries it: where to send the answer, and what it is for.
struct ReaderTicket: Sendable {
    /// Why the room was asked.
    enum Purpose: Sendable {
        /// To learn that the room stands, before the user is said to be there.
        case enter(JoinPoint, ref: Reference?)
        /// To be given messages and a place.
        case join(ref: Reference?)
        /// To be given messages by a member that joins once more.
        case again(ref: Reference?)
        /// To go on from this cursor.
        case catchUp(ReadCursor)
    }

    /// The number of the session's shard.
    let shard: Int
    /// The session's place in the room, on its shard's loop.
    let seat: NIOLoopBound<Seat>
    /// Who it is.
    let identity: Identity
    /// The room.
    let room: RoomID
    /// Why it asks.
    var purpose: Purpose
    /// Whether others are told that the user is there.
    var isSeen = true
}

/// What the hub tells a shard, in the order in which it has to be acted on.
enum ShardEvent: Sendable {
    /// A message for every live member.
    case message(NIOLoopBound<ShardRoom>, StoredFrame)
    /// An event for every live member.
    case event(NIOLoopBound<ShardRoom>, ByteBuffer)
    /// Word for every live member that Redis lost writes, and to which number the room went.
    case rewound(NIOLoopBound<ShardRoom>, ByteBuffer, to: UInt64)
    /// A join is answered.
    case joined(NIOLoopBound<Seat>, Recovery, here: Int, ref: Reference?)
    /// A reader that catches up is given its next page, for the cursor that it asked with.
    case page(NIOLoopBound<Seat>, Recovery, after: ReadCursor)
    /// A join is refused.
    case joinRefused(NIOLoopBound<Seat>, Refusal, ref: Reference?)
    /// A page is refused, for the cursor that it was asked for with.
    case pageRefused(NIOLoopBound<Seat>, after: ReadCursor)
    /// An op is answered.
    case reply(NIOLoopBound<SessionHandler>, ServerReply, ref: Reference?)
    /// A list of rooms that was asked for does not come.
    case listRefused(NIOLoopBound<SessionHandler>, Refusal, ref: Reference?)
    /// A direct message for every session of that user that is not in its room.
    case direct(UserID, RoomID, StoredFrame)
    /// An event for every session of that user.
    case personal(UserID, ByteBuffer)
    /// The room is another than it was: whoever may not be in it any more is put out. Nil: it is gone.
    case roomChanged(NIOLoopBound<ShardRoom>, RoomFacts?)
    /// Operators say something to every session.
    case notice(ByteBuffer)
    /// Operators send a user away, from a room or altogether.
    case kick(UserID, from: RoomID?, reason: String)
    /// Redis has been away for too long.
    case closeAll(CloseReason)
}
