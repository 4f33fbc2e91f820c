import NIOCore
import NIOEmbedded
import RelayCore
import RelayWire

/// The ports of an edge in memory, on the loop of a test.
///
/// What is asked for is answered in a later turn of the loop, in order. A step that is held is answered when the test
/// says so, and as it says: this is how a test brings about every order of answers.
final class InMemoryStore: MessageBroker, HistoryStore, Directory, RoomDirectory, DirectMessages, ReadMarkers {
    /// What can be held.
    enum Step: Hashable {
        case subscribe, read, create, announce, list, post
    }

    weak var delegate: (any MessageBrokerDelegate)?
    var isListening = true
    var holding: Set<Step> = []
    /// Users in each room, as announced.
    private(set) var present: [RoomID: [UserID: Int]] = [:]
    /// What users were called when they were told of last.
    private(set) var names: [UserID: String] = [:]
    /// In which rooms there are people of the edge, as it was noted.
    var peopled: Set<RoomID> = []
    /// How often `announce` was called.
    private(set) var announcements = 0
    var buried: [[EdgeID]] = []
    /// Rooms in which writes are said to be lost; nil is all.
    private(set) var suspected: [RoomID?] = []
    var census = EdgeCensus(now: 1_000_000, living: [], dead: [])
    private let began = ContinuousClock.now
    /// Whether nothing reaches anybody over users' channels.
    var losesPersonal = false
    /// How often lists were said to be lost.
    var listLosses = 0
    /// How often a conversation list was read.
    var listReads = 0
    /// How often it was asked which rooms are active.
    private(set) var activityReads = 0

    private let loop: EmbeddedEventLoop
    private let edge = EdgeID("edge")
    private var held: [Step: [(Refusal?) -> Void]] = [:]
    private(set) var users: Set<UserID> = []
    /// Rooms that are something else than public, by what they are.
    var facts: [RoomID: RoomFacts] = [:]
    var deletedRooms: Set<RoomID> = []
    /// What was changed of rooms.
    var changes: [RoomChange] = []
    /// Who made each room.
    private(set) var createdBy: [RoomID: UserID] = [:]
    /// What a lobby lists.
    var publicFacts: [(RoomID, RoomFacts)] = []
    /// Users who may make no more rooms for now.
    var spent: Set<UserID> = []
    /// Scores of rooms in the list of rooms that somebody wrote there by hand.
    var forgedScores: [RoomID: UInt64] = [:]
    /// Whether nothing reaches anybody over rooms' channels.
    var losesRooms = false
    /// Who wrote to whom last.
    var correspondents: [UserID: UserID] = [:]
    private(set) var deletedMessages: [RoomID: Set<MessageID>] = [:]
    private(set) var opened: [RoomID] = []
    private var wanted: Set<RoomID> = []
    private var heard: Set<RoomID> = []
    private var messages: [RoomID: [Message]] = [:]
    private var epochs: [RoomID: UInt64] = [:]
    /// The last number of an earlier room of that name.
    var formerSeqs: [RoomID: UInt64] = [:]
    /// Below the ids of each room's messages, in ms.
    private var floors: [RoomID: UInt64] = [:]

    init(loop: EmbeddedEventLoop) {
        self.loop = loop
    }

    // MARK: What a test does

    /// Answers what is held of a step: as it should be, or with a refusal.
    func release(_ step: Step, with refusal: Refusal? = nil) {
        for answer in held.removeValue(forKey: step) ?? [] { answer(refusal) }
        loop.run()
    }

    /// How many answers of a step are held.
    func heldCount(_ step: Step) -> Int { held[step]?.count ?? 0 }

    /// Somebody says something in a room, by another edge.
    func post(_ text: String, in room: RoomID, count: Int = 1) throws {
        for _ in 0..<count { _ = append(try Self.draft(text, in: room)) }
        loop.run()
    }

    /// The connection that listens breaks.
    func lose() {
        isListening = false
        heard = []
        delegate?.brokerLost()
        loop.run()
    }

    /// It stands again, with all rooms that are wanted.
    func comeBack() {
        isListening = true
        for room in wanted { confirm(room) }
        for user in users { delegate?.brokerSubscribed(user: user) }
        loop.run()
    }

    /// The room is lost: its numbers begin anew, with higher ids.
    func forget(_ room: RoomID) {
        floors[room] = messages[room]?.last?.id.milliseconds
        messages[room] = []
        epochs[room, default: 0] += 1
    }

    func newest(in room: RoomID) -> Message? { messages[room]?.last }

    func frames(of room: RoomID) -> [StoredFrame] {
        (messages[room] ?? []).map {
            StoredFrame(id: $0.id, seq: $0.seq, envelope: EnvelopeEncoder.envelope(of: $0))
        }
    }

    func noteOpened(_ room: RoomID) {
        if !opened.contains(room) { opened.append(room) }
    }

    func isSubscribed(_ room: RoomID) -> Bool { wanted.contains(room) }

    static func draft(_ text: String, in room: RoomID) throws -> MessageDraft {
        let user = try UserID("writer").orThrow()
        return MessageDraft(
            room: room, type: .message, user: user, name: DisplayName(user), text: text, nonce: nil, replyTo: nil)
    }

    func answer(_ step: Step, _ body: @escaping (Refusal?) -> Void) {
        if holding.contains(step) {
            held[step, default: []].append(body)
        } else {
            loop.assumeIsolated().execute { body(nil) }
        }
    }

    private func append(_ draft: MessageDraft) -> Message {
        let room = draft.room
        let seq = UInt64((messages[room]?.count ?? 0) + 1)
        // Its clock goes as fast as the edge's: an edge takes what is older than a user's coming for known.
        let elapsed = UInt64((ContinuousClock.now - began) / .milliseconds(1))
        let last = messages[room]?.last?.id.milliseconds ?? 0
        let milliseconds = max((floors[room] ?? 1_000_000) + elapsed, last) + 1
        let id = MessageID(milliseconds: milliseconds, sequence: 0)
        let message = Message(id: id, seq: seq, draft: draft)
        messages[room, default: []].append(message)
        if draft.type == .delete, let target = draft.target { deletedMessages[room, default: []].insert(target) }
        let envelope = EnvelopeEncoder.envelope(of: message)
        publish(envelope, in: room)
        if let (first, second) = room.directUsers {
            publish(envelope, to: first)
            publish(envelope, to: second)
        }
        return message
    }

    func publish(_ payload: ByteBuffer, to user: UserID) {
        if isListening, !losesPersonal, users.contains(user) { delegate?.brokerReceived(payload, for: user) }
    }

    func publish(_ payload: ByteBuffer, in room: RoomID) {
        if isListening, !losesRooms, heard.contains(room) { delegate?.brokerReceived(payload, in: room) }
    }

    private func confirm(_ room: RoomID) {
        answer(.subscribe) { [self] _ in
            guard wanted.contains(room), isListening else { return }
            heard.insert(room)
            delegate?.brokerSubscribed(room)
        }
    }

    // MARK: Ports

    func subscribe(_ room: RoomID) {
        wanted.insert(room)
        if isListening { confirm(room) }
    }

    func unsubscribe(_ room: RoomID) {
        wanted.remove(room)
        heard.remove(room)
    }

    func post(_ draft: MessageDraft, completion: @escaping (Result<PostReceipt, Refusal>) -> Void) {
        let message = append(draft)
        let receipt = PostReceipt(id: message.id, seq: message.seq, isDuplicate: false)
        guard holding.contains(.post) else { return completion(.success(receipt)) }
        answer(.post) { refusal in completion(refusal.map { .failure($0) } ?? .success(receipt)) }
    }

    func subscribe(user: UserID) {
        users.insert(user)
        if isListening { delegate?.brokerSubscribed(user: user) }
    }

    func unsubscribe(user: UserID) { users.remove(user) }

    func lossSuspected(in room: RoomID?) { suspected.append(room) }

    func probe(completion: @escaping (ProbeOutcome) -> Void) { completion(.passed) }

    func read(_ span: HistorySpan, of room: RoomID, completion: @escaping (Result<HistoryPage, Refusal>) -> Void) {
        answer(.read) { [self] refusal in
            completion(refusal.map { .failure($0) } ?? .success(page(span, of: room)))
        }
    }

    private func page(_ span: HistorySpan, of room: RoomID) -> HistoryPage {
        if deletedRooms.contains(room) {
            var page = HistoryPage(standing: nil, frames: [], more: false)
            page.isDeleted = true
            return page
        }
        guard let all = messages[room] else { return HistoryPage(standing: nil, frames: [], more: false) }
        let (matching, limit, takesNewest): (ArraySlice<Message>, Int, Bool) =
            switch span {
            case .latest(let limit): (all[...], limit, true)
            case .after(let id, let limit): (all.drop { $0.id <= id }, limit, false)
            case .before(let id, let limit): (all.prefix { $0.id < id }, limit, true)
            }
        let taken = takesNewest ? matching.suffix(limit) : matching.prefix(limit)
        var page = HistoryPage(
            standing: RoomStanding(
                epoch: epochs[room] ?? 0, lastSeq: all.last?.seq ?? formerSeqs[room] ?? 0, lastID: all.last?.id,
                oldestSeq: all.first?.seq),
            frames: taken.map { StoredFrame(id: $0.id, seq: $0.seq, envelope: EnvelopeEncoder.envelope(of: $0)) },
            more: taken.count < matching.count)
        page.facts = facts[room] ?? RoomFacts(name: room.description, createdBy: nil, createdAt: 1)
        page.hasDeletions = deletedMessages[room] != nil
        return page
    }

    func create(_ room: RoomID, by user: UserID, completion: @escaping (Result<Bool, Refusal>) -> Void) {
        answer(.create) { [self] refusal in
            if let refusal { return completion(.failure(refusal)) }
            let isNew = messages[room] == nil
            if isNew {
                messages[room] = []
                epochs[room, default: 0] += 1
                createdBy[room] = user
            }
            completion(.success(isNew))
        }
    }

    func announce(
        _ changes: [PresenceChange], in room: RoomID, completion: @escaping (Result<PresenceTold, Refusal>) -> Void
    ) {
        announcements += 1
        answer(.announce) { [self] refusal in
            if let refusal { return completion(.failure(refusal)) }
            for change in changes { tell(change, in: room) }
            // A room in which nothing was ever said is forgotten with the last one.
            if present[room]?.isEmpty == true, messages[room]?.isEmpty == true { messages[room] = nil }
            completion(.success(PresenceTold(here: present[room]?.count ?? 0)))
        }
    }

    private func tell(_ change: PresenceChange, in room: RoomID) {
        let wasThere = present[room]?[change.user] != nil
        present[room, default: [:]][change.user] = change.isGone ? nil : change.sessions
        names[change.user] = change.name.description
        guard wasThere == change.isGone else { return }
        let kind: LiveEvent.Kind = change.isGone ? .leave : .join
        publish(
            EventCoder.encode(LiveEvent(kind, room: room, user: change.user, name: change.name), edge: edge), in: room)
    }

    func roomsActive(since: UInt64, completion: @escaping (Result<[RoomActivity], Refusal>) -> Void) {
        activityReads += 1
        answer(.list) { [self] refusal in
            let active = messages.compactMap { room, messages in
                messages.last.map {
                    RoomActivity(room: room, milliseconds: max($0.id.milliseconds, forgedScores[room] ?? 0))
                }
            }
            completion(refusal.map { .failure($0) } ?? .success(active.filter { $0.milliseconds >= since }))
        }
    }

    func retire(completion: @escaping () -> Void) { completion() }
}
