internal import DequeModule
internal import RelayCore

/// A page of a conversation list: whose, after which place, and how long.
struct ListKey: Hashable {
    let user: UserID
    /// The activity and the room of the place; nil for the beginning.
    let activity: MessageID?
    let room: RoomID?
    let limit: Int

    var page: ConversationPage {
        guard let activity, let room else { return ConversationPage(limit: limit) }
        return ConversationPage(after: ConversationPlace(activity: activity, room: room), limit: limit)
    }
}

/// Who waits for which list, and which lists are being read.
///
/// A list is read once at a time, however many ask: who asks while it is being read shares the next read with the
/// others who do, so that all that was said before it was asked for is in the answer. Only so many lists are read at a
/// time; the others wait for their turn.
struct ListReadLedger<Key: Hashable, Reader> {
    enum Action {
        case none
        /// Read the list; answered by `answered`.
        case read
        /// Too many wait.
        case refuse
    }

    private struct Entry {
        /// Those who are given the read that is under way, or the one whose turn comes.
        var readers: [Reader]
        /// Those who came while it was under way.
        var later: [Reader] = []
        var isUnderWay = false
    }

    private let underWayMax: Int
    private let readersMax: Int
    private var entries: [Key: Entry] = [:]
    private var queue: Deque<Key> = []
    private var underWay = 0
    private var readerCount = 0

    init(underWayMax: Int, readersMax: Int) {
        self.underWayMax = underWayMax
        self.readersMax = readersMax
    }

    /// Somebody wants a list.
    mutating func asked(for key: Key, by reader: Reader) -> Action {
        guard readerCount < readersMax else { return .refuse }
        readerCount += 1
        switch entries[key]?.isUnderWay {
        case true?: entries[key]?.later.append(reader)
        case false?: entries[key]?.readers.append(reader)
        case nil:
            let isTurn = underWay < underWayMax
            entries[key] = Entry(readers: [reader], isUnderWay: isTurn)
            guard isTurn else {
                queue.append(key)
                return .none
            }
            underWay += 1
            return .read
        }
        return .none
    }

    /// A read is back: for whom it is, and which lists are to be read now.
    mutating func answered(_ key: Key) -> (readers: [Reader], next: [Key]) {
        guard let entry = entries.removeValue(forKey: key) else { return ([], []) }
        underWay -= 1
        readerCount -= entry.readers.count
        if !entry.later.isEmpty {
            entries[key] = Entry(readers: entry.later)
            queue.append(key)
        }
        var next: [Key] = []
        while underWay < underWayMax, let key = queue.popFirst() {
            underWay += 1
            entries[key]?.isUnderWay = true
            next.append(key)
        }
        return (entry.readers, next)
    }
}
