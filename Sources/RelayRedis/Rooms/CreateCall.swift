internal import RedisProtocol
internal import RelayCore

/// The keys and arguments of `create.lua` for a room as somebody planned it.
enum CreateCall {
    static func keys(of room: RoomID, in keys: KeySpace) -> [String] {
        [keys.meta(of: room), keys.stream(of: room), keys.members(of: room), keys.deleted(of: room)]
    }

    static func arguments(of plan: RoomPlan, by user: UserID) -> RedisArguments {
        var arguments = RedisArguments([
            plan.room.description, user.description, plan.name?.description ?? plan.room.description, "", "",
            plan.topic, plan.isPrivate ? "1" : "0",
        ])
        guard plan.isPrivate else { return arguments }
        arguments.append(user.description)
        arguments.append(contentsOf: plan.members.lazy.map(\.description))
        return arguments
    }
}
