import RelayCore

/// One room on the screen: its lines, what of them was not seen, and who is known to be there.
struct RoomBuffer {
    /// Lines that it keeps; the oldest go.
    static let linesMax = 5000
    /// People that it knows; who was heard of longest ago is forgotten.
    static let peopleMax = 1000

    let room: RoomID
    private(set) var lines: [StyledLine] = []
    /// Messages that came while another room was shown.
    private(set) var unreadCount = 0
    /// Whether one of them was for this person in particular.
    private(set) var hasCall = false
    /// The first line that was not seen when the room was shown last; nil where all were.
    private(set) var unreadLine: Int?
    /// Those who spoke or came last, first.
    private(set) var people: [UserID] = []
    /// What is being typed there while another room is shown.
    var draft = LineEditor()
    /// Rows below what is shown; 0 where the newest line is shown.
    var scrollRows = 0

    init(room: RoomID) {
        self.room = room
    }

    /// A line was added, which counts as unread where nobody sees it.
    mutating func added(_ line: StyledLine, isSeen: Bool, counts: Bool, isCall: Bool) {
        lines.append(line)
        if !isSeen, counts {
            if unreadCount == 0 { unreadLine = lines.count - 1 }
            unreadCount += 1
            hasCall = hasCall || isCall
        }
        guard lines.count > Self.linesMax else { return }
        // A tenth at once: each time costs a copy.
        let surplus = Self.linesMax / 10
        lines.removeFirst(surplus)
        unreadLine = unreadLine.map { max(0, $0 - surplus) }
    }

    /// The room is shown now: all is seen, and the mark stays where unread began.
    mutating func shown() {
        if unreadCount == 0 { unreadLine = nil }
        unreadCount = 0
        hasCall = false
        scrollRows = 0
    }

    /// Another room is shown now.
    mutating func hidden() {
        unreadLine = nil
        scrollRows = 0
    }

    /// Somebody spoke, or came.
    mutating func heard(_ user: UserID) {
        people.removeAll { $0 == user }
        people.insert(user, at: 0)
        if people.count > Self.peopleMax { people.removeLast() }
    }

    /// Somebody is there, and has said nothing yet.
    mutating func present(_ user: UserID) {
        if !people.contains(user), people.count < Self.peopleMax { people.append(user) }
    }

    /// Somebody left.
    mutating func left(_ user: UserID) { people.removeAll { $0 == user } }
}
