/// What was found at one hop, in words, and what to do about it.
struct HopFinding: Equatable {
    /// Where one looks, in the order of the way that a message takes.
    enum Hop: String, CaseIterable {
        case redis, login, version, role, memory, persistence, buffers, rights, clock, script, channel, edges, edge
        case archiver, disk
    }

    /// How it stands there.
    enum State: String {
        /// As it should be.
        case well
        /// Not wrong, and worth knowing.
        case note
        /// Something is to be done.
        case wrong
        /// It cannot be reached.
        case unreachable
        /// It could not be looked at, or nobody asked for it.
        case skipped
    }

    var hop: Hop
    var state: State
    /// What was found.
    var words: String
    /// What to do; nil where nothing is.
    var remedy: String?

    init(_ hop: Hop, _ state: State, _ words: String, remedy: String? = nil) {
        self.hop = hop
        self.state = state
        self.words = words
        self.remedy = remedy
    }
}
