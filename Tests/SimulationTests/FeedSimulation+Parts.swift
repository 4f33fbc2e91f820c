import RelayCore

extension FeedSimulation {
    /// A world that breaks its promises, to see that the checker notices.
    enum Mutation: CaseIterable {
        case none
        /// A read may answer with what was true before it was asked.
        case staleReads
        /// Now and then members are not given a frame that the feed orders to be delivered.
        case lostDeliveries
        /// Now and then they are given one twice.
        case repeatedDeliveries
    }

    enum ReadKind { case catchUp, backfill, create }

    struct Read {
        var kind: ReadKind
        var span: HistorySpan
        /// What Redis answered, once it did; under way to the feed.
        var page: HistoryPage?
    }
}
