import RelayArchive
import RelayCore

/// What `martlet archive restore` says of a room.
struct RestoreText {
    let room: RoomID
    var content: RestorePlan
    let record: RoomRecord

    init(room: RoomID, plan: RestorePlan, record: RoomRecord) {
        self.room = room
        content = plan
        self.record = record
    }

    /// What would be done.
    var plan: String { "would restore \(what); nothing was changed" }

    /// What was done.
    func done(epoch: UInt64, seq: UInt64) -> String {
        "restored \(what); it goes on with number \(seq &+ 1), in epoch \(epoch)"
    }

    private var what: String {
        let access =
            room.directUsers != nil
            ? "direct"
            : record.isPrivate
                ? "private, \(record.members.count) member\(record.members.count == 1 ? "" : "s")" : "public"
        let messages: String
        if let first = content.first {
            messages =
                "\(content.count) message\(content.count == 1 ? "" : "s"), from \(first.id) (number \(first.seq)) to "
                + "\(content.end.id) (number \(content.end.seq))"
        } else {
            messages = "no messages, since all of its days were pruned"
        }
        let older: String =
            switch content.limit {
            case .none: ""
            case .count: "; older ones stay in the archive"
            case .rewind: "; older ones, from before Redis was rewound, stay in the archive"
            }
        return "\(room) (\(access)): \(messages)\(missing)\(older)"
    }

    /// Numbers are dense as they are given, so one without a message is a message that the files do not have.
    private var missing: String {
        guard let first = content.first, content.end.seq >= first.seq else { return "" }
        let spanned = content.end.seq - first.seq + 1
        guard spanned > UInt64(content.count) else { return "" }
        let count = spanned - UInt64(content.count)
        return "; \(count) number\(count == 1 ? " has" : "s have") no message, `martlet archive verify` says why"
    }
}
