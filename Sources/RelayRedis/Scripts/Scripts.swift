internal import RedisClient

/// The Lua scripts, each a file of its own beside this one, compiled into the program.
enum Scripts {
    static let post = script("post", PackageResources.post_lua)
    static let restore = script("restore", PackageResources.standing_lua + [0x0A] + PackageResources.restore_lua)
    static let create = script("create", PackageResources.create_lua)
    static let change = script("change", PackageResources.change_lua)
    static let remove = script("remove", PackageResources.remove_lua)
    static let summary = script("summary", PackageResources.summary_lua)
    static let markers = script("markers", PackageResources.markers_lua)
    static let quota = script("quota", PackageResources.quota_lua)
    static let presence = script("presence", PackageResources.presence_lua)
    static let bury = script("bury", PackageResources.bury_lua)
    static let heartbeat = script("heartbeat", PackageResources.heartbeat_lua)

    private static func script(_ name: String, _ text: [UInt8]) -> RedisScript {
        RedisScript(name: name, source: String(decoding: text, as: UTF8.self))
    }
}
