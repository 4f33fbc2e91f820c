/// What operators order over the control channel, of all edges at once.
public enum ControlCommand: Sendable, Equatable {
    /// Say something to everybody in a room, or to every session where no room is named.
    case notice(text: String, room: RoomID?)
    /// Send a user away, from a room or off the relay, and keep them away for so long.
    case kick(UserID, room: RoomID?, reason: String, span: Duration?)
    /// Let a user send nothing for so long, in a room or anywhere.
    case mute(UserID, room: RoomID?, span: Duration)
    /// Lift what was imposed on a user, in a room or everywhere.
    case pardon(UserID, room: RoomID?)
    /// End that edge as SIGTERM does.
    case drain(EdgeID)
}
