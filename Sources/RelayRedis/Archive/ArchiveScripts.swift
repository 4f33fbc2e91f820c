internal import RedisClient

/// The scripts of the archiver. Each is one atomic step.
///
/// A full Redis (`maxmemory`) refuses a script whose first write is one that takes memory. Hence every script here that
/// writes begins with one that never does: `XTRIM`, which frees, or `PEXPIRE`. What follows is let through.
///
/// Numbers of 64 bits are compared as text, since Lua's are exact to 2^53 only.
enum ArchiveScripts {
    /// Puts the test for the shard's lock in front: `KEYS[3]` is the lock, `ARGV[1]` what its holder wrote there.
    private static func guarded(_ name: String, _ body: String) -> RedisScript {
        RedisScript(name: name, source: "if redis.call('GET', KEYS[3]) ~= ARGV[1] then return 'lost' end\n" + body)
    }

    /// KEYS: lock. ARGV: holder's place, holder's whole text, lapse in ms.
    /// An earlier run of the same place is no rival.
    static let claim = RedisScript(
        name: "archive-claim",
        source: """
            local held = redis.call('GET', KEYS[1])
            if held and held ~= ARGV[2] and string.sub(held, 1, #ARGV[1]) ~= ARGV[1] then return held end
            redis.call('PEXPIRE', KEYS[1], ARGV[3])
            redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
            return false
            """)

    /// KEYS: lock. ARGV: holder's whole text, lapse in ms.
    static let renew = RedisScript(
        name: "archive-renew",
        source: """
            if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
            return redis.call('PEXPIRE', KEYS[1], ARGV[2])
            """)

    /// KEYS: lock. ARGV: holder's whole text.
    static let release = RedisScript(
        name: "archive-release",
        source: """
            if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
            return redis.call('DEL', KEYS[1])
            """)

    /// KEYS: stream, meta. ARGV: first id, limit.
    /// Answers the time in seconds and microseconds, the fields of `meta` or nil, the entries, first and last id.
    static let look = RedisScript(
        name: "archive-look",
        source: """
            local time = redis.call('TIME')
            local meta, oldest, last = false, false, false
            if redis.call('EXISTS', KEYS[2]) == 1 then
              meta = redis.call('HMGET', KEYS[2], 'epoch', 'seq', 'archived_id', 'archived_seq', 'created_at',
                'private', 'deleted_at', 'name', 'created_by', 'topic', 'restored_at')
            end
            if redis.call('EXISTS', KEYS[1]) == 1 then
              local info = redis.call('XINFO', 'STREAM', KEYS[1])
              for i = 1, #info, 2 do
                if info[i] == 'last-generated-id' then last = info[i + 1] end
                if info[i] == 'first-entry' and info[i + 1] then oldest = info[i + 1][1] end
              end
            end
            local entries = redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])
            return {time[1], time[2], meta, entries, oldest, last}
            """)

    /// Functions for what Lua's numbers are too small for; `lastID` is that of `KEYS[1]`, or false.
    static let comparison = """
        local function below(a, b)
          if #a ~= #b then return #a < #b end
          return a < b
        end
        local function idBelow(a, b)
          local am, as = string.match(a, '^(%d+)-(%d+)$')
          local bm, bs = string.match(b, '^(%d+)-(%d+)$')
          if am ~= bm then return below(am, bm) end
          return below(as, bs)
        end
        local function lastID()
          if redis.call('EXISTS', KEYS[1]) == 0 then return false end
          local info = redis.call('XINFO', 'STREAM', KEYS[1])
          for i = 1, #info, 2 do
            if info[i] == 'last-generated-id' then return info[i + 1] end
          end
        end

        """

    /// KEYS: stream, meta, lock. ARGV: holder, archived id, archived seq, keep, the id up to which the room was trimmed
    /// before a loss or empty.
    /// What is not archived stays, and so does the last archived entry, by which the archiver knows the stream again.
    /// Where to cut is told by the entries themselves, which Lua takes apart one by one; but for a stream that holds
    /// each number from its first entry's on, and of which as many as are kept are not below the archive's end: all
    /// that is below it may go.
    static let acknowledge = guarded(
        "archive-acknowledge",
        comparison + """
            if redis.call('EXISTS', KEYS[2]) == 0 then return 'gone' end
            local floor = '0-0'
            local length, keep = redis.call('XLEN', KEYS[1]), tonumber(ARGV[4])
            local excess = length - keep
            if excess > 0 then
              local first = redis.call('XRANGE', KEYS[1], '-', ARGV[2], 'COUNT', 1)
              first = first[1] and first[1][2][1] == 'seq' and tonumber(first[1][2][2])
              local seq = tonumber(redis.call('HGET', KEYS[2], 'seq') or '0')
              local isDense = first and seq and length == seq - first + 1
              if keep == 0 or isDense and seq - tonumber(ARGV[3]) + 1 >= keep then
                floor = ARGV[2]
              else
                local oldest = redis.call('XRANGE', KEYS[1], '-', ARGV[2], 'COUNT', math.min(excess, 1024) + 1)
                if #oldest > 0 then floor = oldest[#oldest][1] end
              end
            end
            redis.call('XTRIM', KEYS[1], 'MINID', floor)
            redis.call('HSET', KEYS[2], 'archived_id', ARGV[2], 'archived_seq', ARGV[3])
            if ARGV[5] ~= '' then
              local known = redis.call('HGET', KEYS[2], 'rewound_id')
              if not known or idBelow(known, ARGV[5]) then redis.call('HSET', KEYS[2], 'rewound_id', ARGV[5]) end
            end
            return 'done'
            """)

    /// KEYS: stream, meta, lock. ARGV: holder, known seq, known id, known epoch or empty.
    /// Answers the epoch and the seq. `rewound_id` tells the edges what they need not put back: the files hold it.
    static let raise = guarded(
        "archive-raise",
        comparison + """
            if redis.call('EXISTS', KEYS[2]) == 0 then return 'gone' end
            local last = lastID()
            local seq = redis.call('HGET', KEYS[2], 'seq') or '0'
            local epoch = redis.call('HGET', KEYS[2], 'epoch')
            local time = redis.call('TIME')
            local isRaised = not epoch or epoch == ARGV[4]
            redis.call('XTRIM', KEYS[1], 'MINID', '0-0')
            if not last then
              redis.call('XADD', KEYS[1], ARGV[3], 'seq', '0')
              redis.call('XDEL', KEYS[1], ARGV[3])
              isRaised = true
            elseif idBelow(last, ARGV[3]) then
              redis.call('XSETID', KEYS[1], ARGV[3])
              isRaised = true
            end
            if below(seq, ARGV[2]) then
              seq = ARGV[2]
              isRaised = true
            end
            if isRaised then
              local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
              epoch = string.format('%.0f', math.max(now, (tonumber(epoch) or 0) + 1))
            end
            redis.call('HSET', KEYS[2], 'seq', seq, 'epoch', epoch, 'rewound_id', ARGV[3])
            return {epoch, seq}
            """)

    /// KEYS: stream, meta, lock. ARGV: holder, id.
    static let passMidnight = guarded(
        "archive-pass-midnight",
        comparison + """
            local last = lastID()
            if not last then return 'gone' end
            if idBelow(last, ARGV[2]) then
              redis.call('XTRIM', KEYS[1], 'MINID', '0-0')
              redis.call('XSETID', KEYS[1], ARGV[2])
            end
            return 'done'
            """)

    /// KEYS: stream, meta, lock. ARGV: holder, the id of the last entry that was seen.
    static let drop = guarded(
        "archive-drop",
        """
        if not redis.call('HGET', KEYS[2], 'deleted_at') then return 'gone' end
        local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
        if #newest > 0 and newest[1][1] ~= ARGV[2] then return 'gone' end
        redis.call('UNLINK', KEYS[1])
        return 'done'
        """)

    /// KEYS: status. ARGV: lifetime in ms, then fields and values.
    static let report = RedisScript(
        name: "archive-report",
        source: """
            redis.call('PEXPIRE', KEYS[1], ARGV[1])
            redis.call('HSET', KEYS[1], unpack(ARGV, 2))
            redis.call('PEXPIRE', KEYS[1], ARGV[1])
            return 'done'
            """)
}
