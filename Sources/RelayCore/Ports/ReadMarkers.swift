/// How far users have read, and which rooms are in their lists. A marker never goes back.
///
/// Every call and completion happens on the one event loop that owns it.
public protocol ReadMarkers: AnyObject {
    /// The user has entered the room: it is in the list from now on. Told within a second, with others.
    func entered(_ room: RoomID, by user: UserID)

    /// The user has said this, and so has read it. Told within a second, with others: what is said often costs one
    /// write a second and user.
    func said(_ receipt: PostReceipt, in room: RoomID, by user: UserID)

    /// The store seems to have lost lists: no room is taken for being in one any more.
    func lossSuspected()

    /// The user has read up to a message. Every session of theirs is told, on every edge, where the marker moved.
    /// Answers where it stands now.
    func mark(
        _ room: RoomID, at marker: ReadMarker, by user: UserID,
        completion: @escaping (Result<ReadMarker, Refusal>) -> Void)
}
