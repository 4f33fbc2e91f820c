-- Makes a room where it does not exist yet.
--
-- KEYS  1 meta, 2 stream, 3 members
-- ARGV  1 the room, 2 who makes it, then, where the caller knows that the room was lost, what it was: name, created_by,
--       created_at, topic, private (empty: not there)
-- Reply 1 made, 0 it was there; then the time in ms
--
-- Where the stream outlived its meta, the numbers go on from its last one, in a new epoch.

local time = redis.call('TIME')
local now = string.format('%.0f', tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000))
if redis.call('HGET', KEYS[1], 'epoch') then return { 0, now } end

local seq = 0
for _, entry in ipairs(redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 100)) do
  for i = 1, #entry[2], 2 do
    if entry[2][i] == 'seq' and string.match(entry[2][i + 1], '^%d+$') then
      seq = math.max(seq, tonumber(entry[2][i + 1]))
    end
  end
end
redis.call('HSET', KEYS[1], 'seq', string.format('%.0f', seq), 'epoch', now)
for i, field in ipairs({ 'name', 'created_by', 'created_at', 'topic', 'private' }) do
  local value = ARGV[2 + i]
  if value and value ~= '' then redis.call('HSETNX', KEYS[1], field, value) end
end
redis.call('HSETNX', KEYS[1], 'name', ARGV[1])
redis.call('HSETNX', KEYS[1], 'created_by', ARGV[2])
redis.call('HSETNX', KEYS[1], 'created_at', now)
-- A room whose members outlived its meta was private.
redis.call('HSETNX', KEYS[1], 'private', redis.call('EXISTS', KEYS[3]) == 0 and '0' or '1')
return { 1, now }
