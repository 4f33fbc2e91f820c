/// What two people need to talk in private beside the room that they do it in.
///
/// Every call and completion happens on the one event loop that owns it.
public protocol DirectMessages: AnyObject {
    /// Something is about to be said in the room of a direct conversation: both have the room in their lists before it
    /// is posted. Without the store, where it will be refused, nothing is done.
    func conversationOpened(in room: RoomID, from sender: UserID, to receiver: UserID)

    /// Whether the user has a session on any edge.
    func isOnline(_ user: UserID, completion: @escaping (Result<Bool, Refusal>) -> Void)

    /// Who wrote to this user directly last; nil where nobody did.
    func lastCorrespondent(of user: UserID, completion: @escaping (Result<UserID?, Refusal>) -> Void)
}
