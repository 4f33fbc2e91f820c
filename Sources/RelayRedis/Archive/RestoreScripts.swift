internal import RedisClient

/// The scripts of `martlet archive restore`. All keys of a room share a slot.
enum RestoreScripts {
    /// Puts messages at the end of a stream that nobody else knows, and that goes by itself if it is left alone.
    ///
    /// KEYS: staged stream, staged set of deleted ids. ARGV: lifetime in ms, then for each message: id, the id that it
    /// deletes or empty, how many names and values, these. Answers the messages in it.
    static let stage = RedisScript(
        name: "restore-stage",
        source: """
            local at = 2
            while at <= #ARGV do
              local width = tonumber(ARGV[at + 2])
              local command = { 'XADD', KEYS[1], ARGV[at] }
              for i = at + 3, at + 2 + width do command[#command + 1] = ARGV[i] end
              redis.call(unpack(command))
              if ARGV[at + 1] ~= '' then redis.call('SADD', KEYS[2], ARGV[at + 1]) end
              at = at + 3 + width
            end
            redis.call('PEXPIRE', KEYS[1], ARGV[1])
            redis.call('PEXPIRE', KEYS[2], ARGV[1])
            return redis.call('XLEN', KEYS[1])
            """)

    /// Makes the staged stream the room's, where the room has no messages. All is read and checked before the first
    /// write, so that the room is there as a whole or not at all.
    ///
    /// KEYS: stream, meta, members, deleted, staged stream, staged deleted. ARGV: last id and seq of the archive,
    /// messages staged, epoch that the archive knows, then name, created_by, created_at, private, topic (empty: not
    /// known), then the members. Answers what happened, then epoch and seq, or the messages that are there.
    static let finish = RedisScript(
        name: "restore-finish",
        source: ArchiveScripts.comparison + """
            local last, length = lastID(), redis.call('XLEN', KEYS[1])
            local staged = redis.call('XLEN', KEYS[5])
            local meta = redis.call('HMGET', KEYS[2], 'seq', 'epoch')
            for i = 3, 4 do
              local kind = redis.call('TYPE', KEYS[i]).ok
              if kind ~= 'none' and kind ~= 'set' then
                return redis.error_reply('ERR ' .. KEYS[i] .. ' is a ' .. kind)
              end
            end
            if length > 0 then return { 'occupied', tostring(length) } end
            if staged ~= tonumber(ARGV[3]) then return { 'lapsed', tostring(staged) } end
            local time = redis.call('TIME')
            local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
            local function whole(number) return string.format('%.0f', number) end

            if staged > 0 then
              redis.call('RENAME', KEYS[5], KEYS[1])
              redis.call('PERSIST', KEYS[1])
            elseif not last then
              redis.call('XADD', KEYS[1], ARGV[1], 'seq', '0')
              redis.call('XDEL', KEYS[1], ARGV[1])
            end
            local top = ARGV[1]
            if last and idBelow(top, last) then top = last end
            if idBelow(lastID(), top) then redis.call('XSETID', KEYS[1], top) end
            local seq = meta[1] or '0'
            if below(seq, ARGV[2]) then seq = ARGV[2] end
            local epoch = whole(math.max(now, tonumber(ARGV[4]) + 1, (tonumber(meta[2] or '0') or 0) + 1))
            redis.call('HSET', KEYS[2], 'seq', seq, 'epoch', epoch, 'archived_id', ARGV[1], 'archived_seq', ARGV[2],
              'rewound_id', ARGV[1],
              'created_at', ARGV[7] ~= '' and ARGV[7] or whole(now), 'private', ARGV[8], 'restored_at', whole(now))
            for field, value in pairs({ name = ARGV[5], created_by = ARGV[6], topic = ARGV[9] }) do
              if value ~= '' then redis.call('HSET', KEYS[2], field, value) end
            end
            redis.call('HDEL', KEYS[2], 'deleted_at', 'began_seq')
            if ARGV[8] == '1' then redis.call('UNLINK', KEYS[3]) end
            for i = 10, #ARGV do redis.call('SADD', KEYS[3], ARGV[i]) end
            if redis.call('EXISTS', KEYS[6]) == 1 then
              redis.call('SUNIONSTORE', KEYS[4], KEYS[4], KEYS[6])
              redis.call('UNLINK', KEYS[6])
            end
            return { 'done', epoch, seq }
            """)
}
