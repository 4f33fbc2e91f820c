-- Makes a room where it does not exist yet.
--
-- KEYS  1 meta, 2 stream, 3 members, 4 deleted
-- ARGV  1 the room, 2 who makes it, 3 … 7 what it is: name, created_by, created_at, topic, private (empty: not said;
--       with a created_at it is what the caller knows that a room was which Redis has lost), 8 … its members
-- Reply 1 made, 0 it was there, -1 one that was deleted is not archived to its end; then the time in ms
--
-- Where the stream outlived its meta, the numbers go on from its last one, in a new epoch. A room that was deleted
-- leaves nothing to the next of its name but its numbers, which the archive's files go on from.

local time = redis.call('TIME')
local now = string.format('%.0f', tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000))
local meta = redis.call('HMGET', KEYS[1], 'epoch', 'deleted_at', 'archived_seq', 'seq')
local seq, is_replacing = 0, false
if meta[2] then
  if redis.call('XLEN', KEYS[2]) > 0 then return { -1, now } end
  if meta[3] then seq = tonumber(meta[4]) or 0 end
  redis.call('DEL', KEYS[1], KEYS[3], KEYS[4])
  is_replacing = true
elseif meta[1] then
  return { 0, now }
end

for _, entry in ipairs(redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 100)) do
  for i = 1, #entry[2], 2 do
    if entry[2][i] == 'seq' and string.match(entry[2][i + 1], '^%d+$') then
      seq = math.max(seq, tonumber(entry[2][i + 1]))
    end
  end
end
redis.call('HSET', KEYS[1], 'seq', string.format('%.0f', seq), 'epoch', now)
-- What edges remember of a room that was deleted is not lost: they do not put it back, nor does its nature bind this.
if is_replacing then
  redis.call('HSET', KEYS[1], 'rewound_id', now .. '-0', 'opened', now, 'began_seq', string.format('%.0f', seq))
end
local is_known = not is_replacing or ARGV[5] == ''
for i, field in ipairs({ 'name', 'created_by', 'created_at', 'topic' }) do
  if is_known and ARGV[2 + i] ~= '' then redis.call('HSETNX', KEYS[1], field, ARGV[2 + i]) end
end
redis.call('HSETNX', KEYS[1], 'name', ARGV[1])
redis.call('HSETNX', KEYS[1], 'created_by', ARGV[2])
redis.call('HSETNX', KEYS[1], 'created_at', now)
-- A room whose members outlived its meta was private.
local is_private = is_known and ARGV[7] == '1' or redis.call('EXISTS', KEYS[3]) == 1
redis.call('HSETNX', KEYS[1], 'private', is_private and '1' or '0')
if #ARGV > 7 then redis.call('SADD', KEYS[3], unpack(ARGV, 8)) end
return { 1, now }
