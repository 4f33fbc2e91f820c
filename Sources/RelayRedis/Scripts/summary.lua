-- What a list of rooms shows of one, in one look.
--
-- KEYS  1 meta, 2 stream, 3 members, 4 here
-- ARGV  1 whose list it is (empty: nobody's, and private rooms are none; *: whoever may see it)
-- Reply false where there is no such room, else name, created_by, created_at, topic, private, seq, the newest entry,
--       how many are there: each user once, but in a crowd once for each edge that they are on,
--       the last number of an earlier room of that name, else 0

local meta = redis.call('HMGET', KEYS[1], 'epoch', 'deleted_at', 'private', 'name', 'created_by', 'created_at',
  'topic', 'seq', 'began_seq')
if not meta[1] or meta[2] then return false end
if meta[3] == '1' and ARGV[1] ~= '*' then
  if ARGV[1] == '' then return false end
  if ARGV[1] ~= meta[5] and redis.call('SISMEMBER', KEYS[3], ARGV[1]) == 0 then return false end
end
local here = redis.call('HLEN', KEYS[4])
if here > 1 and here <= 200 then
  local people, count = {}, 0
  for _, entry in ipairs(redis.call('HKEYS', KEYS[4])) do
    local user = string.match(entry, '([^/]*)$')
    if not people[user] then people[user], count = true, count + 1 end
  end
  here = count
end
return {
  meta[4] or '', meta[5] or '', meta[6] or '', meta[7] or '', meta[3] or '0', meta[8] or '0',
  redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1), here, meta[9] or '0',
}
