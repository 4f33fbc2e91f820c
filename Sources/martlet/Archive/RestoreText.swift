import RelayArchive
import RelayCore

/// What `martlet archive restore` says of a room.
struct RestoreText {
    let room: RoomID
    var content: RestorePlan
    let meant: FormerRoom
    /// When other rooms were created that had this id.
    let others: [UInt64]

    init(room: RoomID, plan: RestorePlan, meant: FormerRoom, others: [UInt64]) {
        self.room = room
        content = plan
        self.meant = meant
        self.others = others
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
            : meant.isPrivate
                ? "private, \(meant.members.count) member\(meant.members.count == 1 ? "" : "s")" : "public"
        let messages: String
        if let first = content.first, let last = content.last {
            messages =
                "\(content.count) message\(content.count == 1 ? "" : "s"), from \(first.id) (number \(first.seq)) to "
                + "\(last.id) (number \(last.seq))"
        } else {
            messages = others.isEmpty ? "no messages, since all of its days were pruned" : "no messages"
        }
        let older: String =
            switch content.limit {
            case .none: ""
            case .count: "; older ones stay in the archive"
            case .rewind: "; older ones, from before Redis was rewound, stay in the archive"
            }
        return "\(room) (\(access)): \(messages)\(missing)\(older)\(apart)"
    }

    private var apart: String {
        guard !others.isEmpty else { return "" }
        let times = others.map(String.init).joined(separator: ", ")
        return others.count == 1
            ? "; what was said in another room of that id, created at \(times), stays in the archive"
            : "; what was said in \(others.count) other rooms of that id, created at \(times), stays in the archive"
    }

    /// Numbers are dense as they are given, so one without a message is a message that the files do not have.
    private var missing: String {
        guard let first = content.first, let last = content.last, last.seq >= first.seq else { return "" }
        let spanned = last.seq - first.seq + 1
        guard spanned > UInt64(content.count) else { return "" }
        let count = spanned - UInt64(content.count)
        // Another room of that id may have had them.
        guard others.isEmpty else { return "; \(count) numbers between are not of it, or have no message" }
        return "; \(count) number\(count == 1 ? " has" : "s have") no message, `martlet archive verify` says why"
    }
}
