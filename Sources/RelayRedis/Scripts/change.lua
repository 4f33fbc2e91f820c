-- Changes what a room is, and tells every edge that has it.
--
-- KEYS  1 meta, 2 members, 3 channel
-- ARGV  1 who wants it, 2 1 for an admin, else 0, 3 PUBLISH or SPUBLISH, 4 members that a room may have
--       5 its new name (empty: as it is), 6 the event that says so
--       7 1 private, 0 not, empty as it is, 8 the event that says that its members are others
--       9 how many users to take in, then these, then those to put out
-- Reply OK, NOROOM, FORBIDDEN, FULL or CREATOR, where the room's creator is to be put out

local meta = redis.call('HMGET', KEYS[1], 'epoch', 'deleted_at', 'private', 'created_by')
local is_admin = ARGV[2] == '1'
if not meta[1] or meta[2] then return 'NOROOM' end
if meta[3] == '1' and not is_admin and meta[4] ~= ARGV[1] and redis.call('SISMEMBER', KEYS[2], ARGV[1]) == 0 then
  return 'NOROOM'
end
if not is_admin and meta[4] ~= ARGV[1] then return 'FORBIDDEN' end

local added = tonumber(ARGV[9])
local becomes_private = ARGV[7] == '1' and meta[3] ~= '1'
-- More than there can be room for is refused before anything is written.
if added > 0 and redis.call('SCARD', KEYS[2]) + added > tonumber(ARGV[4]) then return 'FULL' end
for i = 10 + added, #ARGV do
  if ARGV[i] == meta[4] then return 'CREATOR' end
end
if ARGV[5] ~= '' then redis.call('HSET', KEYS[1], 'name', ARGV[5]) end
if ARGV[7] ~= '' then redis.call('HSET', KEYS[1], 'private', ARGV[7]) end
-- Edges that know the room as private close it again where Redis has lost that; not where somebody wants it open.
if ARGV[7] == '0' then redis.call('HSET', KEYS[1], 'opened', '1') end
if ARGV[7] == '1' then redis.call('HDEL', KEYS[1], 'opened') end
if becomes_private then
  if meta[4] and meta[4] ~= '' then redis.call('SADD', KEYS[2], meta[4]) end
  redis.call('SADD', KEYS[2], ARGV[1])
end
if added > 0 then redis.call('SADD', KEYS[2], unpack(ARGV, 10, 9 + added)) end
for i = 10 + added, #ARGV do redis.call('SREM', KEYS[2], ARGV[i]) end
if ARGV[5] ~= '' then redis.pcall(ARGV[3], KEYS[3], ARGV[6]) end
if ARGV[7] ~= '' or #ARGV > 9 then redis.pcall(ARGV[3], KEYS[3], ARGV[8]) end
return 'OK'
