internal import NIOCore
internal import RedisClient
internal import RelayWire
public import RelayCore

/// Posting as edges do, for a program that speaks to Redis by itself: the script, and the words of a call of it.
///
/// What an edge does beside is left out: it posts several messages in one call, puts back what Redis lost, and notes
/// the room's activity in the list of rooms.
public enum DirectPost {
    /// The script, to be given to `SCRIPT LOAD`.
    public static var script: String { Scripts.post.source }

    /// The words of a call that posts one message, for a server that has loaded the script under this digest.
    ///
    /// Nothing is trimmed, since an archiver may be about to come: a stream with `ceiling` entries is full.
    ///
    /// - Returns: the words before and behind the three that say where the room stands by earlier replies: the highest
    ///   number, its id and its epoch, or `0`, empty and `0`. Where they are right the script is spared a look at the
    ///   stream. Where they are too high, or of another epoch, nothing is done, and the reply is `REWOUND` alone.
    public static func words(
        digest: String, draft: MessageDraft, ceiling: Int, keys: KeySpace
    ) -> (head: [String], tail: [String]) {
        let names = PostCall.keys(of: draft.room, in: keys)
        let rules = [String(ceiling), "0", "1", "PUBLISH", draft.room.description]
        // Whoever counts ahead of replies says a number too high once a post is not stored: Redis lost nothing then.
        let behind = [String(PostGuard.place.rawValue), "", "", ""]
        let message = [
            draft.type.rawValue, draft.user.description, draft.name.description, draft.text,
            draft.nonce?.description ?? "", "", "", "", String(buffer: EnvelopeEncoder.tail(of: draft)),
        ]
        return (["EVALSHA", digest, String(names.count)] + names + rules, behind + message)
    }
}
