/// The rooms themselves: making, changing and deleting them, and the lists of them.
///
/// Every call and completion happens on the one event loop that owns the directory. What a room says of who may do
/// something is looked at in the same atomic step that does it.
public protocol RoomDirectory: AnyObject {
    /// Makes a room.
    ///
    /// Refused as `exists` where there is one of that id, also one that was deleted and is not archived to its end; as
    /// `rate_limited` where the user made `Limits.roomsCreatedMax` within the last hour.
    func create(_ plan: RoomPlan, by user: UserID, completion: @escaping (Result<RoomFacts, Refusal>) -> Void)

    /// Whether the user may have another new room now; nil where it may, and a refusal where it made too many or where
    /// nobody knows.
    func checkQuota(of user: UserID, completion: @escaping (Refusal?) -> Void)

    /// Counts another new room of the user; nil where it may have one, and a refusal where it made too many or where
    /// nobody knows.
    func takeQuota(of user: UserID, completion: @escaping (Refusal?) -> Void)

    /// The room that was counted was not made.
    func returnQuota(of user: UserID)

    /// Changes a room, and tells every edge that has it.
    func change(
        _ room: RoomID, _ change: RoomChange, by identity: Identity,
        completion: @escaping (Result<Void, Refusal>) -> Void)

    /// Deletes a room: from now on it exists for nobody. Its messages go once they are archived; without an archiver
    /// they go at once. Every edge that has the room is told.
    func remove(_ room: RoomID, by identity: Identity, completion: @escaping (Result<Void, Refusal>) -> Void)

    /// One room, with who is there; nil where it does not exist.
    func summary(of room: RoomID, completion: @escaping (Result<RoomSummary?, Refusal>) -> Void)

    /// A page of the rooms of a user's own list, the newest first. What it costs does not depend on any other room.
    func conversations(
        of user: UserID, _ page: ConversationPage,
        completion: @escaping (Result<ConversationList, Refusal>) -> Void)

    /// Rooms that are not private, those with the latest activity first, with who is there: the list of a lobby.
    /// At most `limit`, of the `Limits.lobbyLookMax` latest.
    func publicRooms(limit: Int, completion: @escaping (Result<[RoomSummary], Refusal>) -> Void)
}
