internal import NIOCore
internal import RedisClient
internal import RelayWire
public import RelayCore

/// Posting as edges do, for a program that speaks to Redis by itself: the script, and the words of a call of it.
///
/// What an edge does beside is left out: it knows where the room stands, which spares the script a look at the stream,
/// puts back what Redis lost, and notes the room's activity in the list of rooms.
public enum DirectPost {
    /// The script, to be given to `SCRIPT LOAD`.
    public static var script: String { Scripts.post.source }

    /// The words of a call that posts one message, for a server that has loaded the script under this digest. A stream
    /// that no archiver touches is trimmed to about `keep` entries.
    public static func words(digest: String, draft: MessageDraft, keep: Int, keys: KeySpace) -> [String] {
        let names = PostCall.keys(of: draft.room, in: keys)
        let rules = ["0", String(keep), "1", "PUBLISH", draft.room.description, "0", "", "0", "0", "", "", ""]
        let message = [
            draft.type.rawValue, draft.user.description, draft.name.description, draft.text,
            draft.nonce?.description ?? "", "", "", "", String(buffer: EnvelopeEncoder.tail(of: draft)),
        ]
        return ["EVALSHA", digest, String(names.count)] + names + rules + message
    }
}
