import RelayCore

/// The figures of an edge in the text format of Prometheus. They name no room and no user.
struct MetricsText {
    private(set) var text = ""

    init(shards: ShardFigures, hub: HubCounters, rooms: Int, connections: ConnectionCount, overAddress: UInt64 = 0) {
        let count = connections.snapshot
        gauge("martlet_edge_connections", "Open connections, HTTP and WebSocket.", count.open)
        counter("martlet_edge_connections_accepted_total", "Connections accepted.", count.accepted)
        counter("martlet_edge_connections_refused_total", "Connections over a limit.", count.refused)
        counter(
            "martlet_edge_connections_over_address_total", "Connections over the limit of their address.", overAddress)
        gauge("martlet_edge_sessions", "Open WebSockets.", shards.sessions)
        counter("martlet_edge_sessions_opened_total", "WebSockets opened.", shards.opened)
        gauge("martlet_edge_rooms", "Rooms with members on this edge.", rooms)
        counter("martlet_edge_requests_total", "Ops received.", shards.requests)
        counter("martlet_edge_deliveries_total", "Envelopes and events handed to sockets live.", shards.deliveries)
        counter(
            "martlet_edge_deflated_total", "Envelopes and events compressed, once a room and loop.", shards.deflated)
        counter(
            "martlet_edge_text_lines_total", "Lines made for readers of text, once a room and loop.", shards.textLines)
        counter("martlet_edge_caught_up_total", "Messages handed to readers that caught up.", shards.caughtUp)
        counter("martlet_edge_fell_behind_total", "Readers that went over their budget.", shards.fellBehind)
        counter("martlet_edge_posts_total", "Messages that the store has.", hub.posts)
        gauge("martlet_edge_posts_in_flight", "Posts that the store has not answered.", hub.postsInFlight)
        counter("martlet_edge_posts_duplicate_total", "Posts that repeated a nonce.", hub.duplicates)
        counter("martlet_edge_posts_refused_total", "Posts that were refused.", hub.postsRefused)
        counter("martlet_edge_received_total", "Messages from the rooms' channels.", hub.received)
        counter("martlet_edge_catch_ups_total", "Reads of a stream to get to now.", hub.catchUps)
        counter("martlet_edge_backfills_total", "Reads of older messages.", hub.backfills)
        counter("martlet_edge_lost_total", "Messages no reader can be given any more.", hub.lost)
        counter("martlet_edge_rewinds_total", "Rooms whose Redis lost writes.", hub.rewinds)
        counter("martlet_edge_foreign_events_total", "Events published by hand.", hub.foreign)
        counter("martlet_edge_payloads_rejected_total", "Payloads that were nothing known.", hub.rejected)
        counter("martlet_edge_control_commands_total", "Operators' orders that were understood.", hub.controlCommands)
        counter("martlet_edge_control_rejected_total", "Orders that were none.", hub.controlRejected)
        counter("martlet_edge_interruptions_total", "Interruptions of the subscriptions.", hub.interruptions)
        counter("martlet_edge_archive_reads_total", "Reads of the archive's files.", hub.history.archiveReads)
        counter(
            "martlet_edge_archive_failures_total", "Reads of the archive that failed: history ended with Redis's.",
            hub.history.archiveFailures)
        labelled(
            "martlet_edge_store_faults_total", "What went wrong with Redis, by its own code or a word.", "code",
            hub.storeFaults)
        labelled("martlet_edge_refusals_total", "Ops refused, by code.", "code", shards.refusals)
        labelled("martlet_edge_closes_total", "WebSockets closed by the edge, by close code.", "code", shards.closes)
    }

    private mutating func gauge(_ name: String, _ help: String, _ value: Int) {
        family(name, help, "gauge", [("", UInt64(max(0, value)))])
    }

    private mutating func counter(_ name: String, _ help: String, _ value: UInt64) {
        family(name, help, "counter", [("", value)])
    }

    private mutating func labelled<Label: Comparable>(
        _ name: String, _ help: String, _ label: String, _ values: [Label: UInt64]
    ) {
        let sorted = values.sorted { $0.key < $1.key }
        family(name, help, "counter", sorted.map { ("{\(label)=\"\($0.key)\"}", $0.value) })
    }

    private mutating func family(_ name: String, _ help: String, _ type: String, _ samples: [(String, UInt64)]) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
        for (labels, value) in samples { text += "\(name)\(labels) \(value)\n" }
    }
}
