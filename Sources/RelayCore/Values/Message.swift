/// What kind of message the stream holds.
public enum MessageType: String, Sendable, CaseIterable {
    /// Plain words.
    case message
    /// What `/me` says.
    case action
    /// A line of a direct conversation.
    case direct
    /// Replaces the text of `target`.
    case edit
    /// Takes `target` away.
    case delete
    /// Sets the room's topic.
    case topic
}

/// What somebody wants to say: a message before Redis gave it an id and a number.
public struct MessageDraft: Sendable, Equatable {
    /// Where it is said.
    public var room: RoomID
    /// What kind of message it is.
    public var type: MessageType
    /// Who says it.
    public var user: UserID
    /// The speaker's name as people see it.
    public var name: DisplayName
    /// What is said; 1 byte to `--max-text` bytes.
    public var text: String
    /// The sender's own mark; a second send with it is the same message.
    public var nonce: Nonce?
    /// To whom a direct message goes.
    public var to: UserID?
    /// The message that an edit or a deletion is about.
    public var target: MessageID?
    /// The message that this one answers.
    public var replyTo: MessageID?
    /// Whether an admin says it: may write in private rooms, and touch what others said. Stored nowhere.
    public var isPrivileged = false

    /// A draft of the given parts.
    public init(
        room: RoomID, type: MessageType = .message, user: UserID, name: DisplayName, text: String, nonce: Nonce? = nil,
        to: UserID? = nil, target: MessageID? = nil, replyTo: MessageID? = nil
    ) {
        self.room = room
        self.type = type
        self.user = user
        self.name = name
        self.text = text
        self.nonce = nonce
        self.to = to
        self.target = target
        self.replyTo = replyTo
    }
}

extension MessageDraft {
    /// Whether a room that does not exist may come into being for it: for what is said, in no direct conversation.
    public var isFounding: Bool { (type == .message || type == .action) && room.directUsers == nil }

    /// The same, as somebody with these permissions says it: with an admin's, and in a direct conversation to the
    /// other one.
    public func said(by identity: Identity) -> MessageDraft {
        var draft = self
        draft.isPrivileged = identity.permissions.isAdmin && room.directUsers == nil
        guard let (first, second) = room.directUsers else { return draft }
        if draft.type == .message { draft.type = .direct }
        if draft.type == .direct || draft.type == .action { draft.to = user == first ? second : first }
        return draft
    }
}

/// A message that the stream holds: a draft with its place in the room.
public struct Message: Sendable, Equatable {
    /// The entry ID.
    public var id: MessageID
    /// 1, 2, 3, … in its room and epoch, without a hole.
    public var seq: UInt64
    /// What was said.
    public var draft: MessageDraft

    /// A message of the given parts.
    public init(id: MessageID, seq: UInt64, draft: MessageDraft) {
        self.id = id
        self.seq = seq
        self.draft = draft
    }
}
