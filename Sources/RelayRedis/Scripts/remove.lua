-- Deletes a room, and tells every edge that has it.
--
-- KEYS  1 meta, 2 stream, 3 members, 4 deleted, 5 channel, 6 what the hashes of sends already made begin with
-- ARGV  1 who wants it, 2 1 for an admin, else 0, 3 PUBLISH or SPUBLISH, 4 the event, 5 1 where an archiver is wanted,
--       6 how long an empty room is remembered in ms
-- Reply KEPT, GONE where nothing waits to be archived, NOROOM or FORBIDDEN
--
-- The tombstone stays in meta. The stream, and who may see it in the archive, stay until the archiver has drained it.

local meta = redis.call('HMGET', KEYS[1], 'epoch', 'deleted_at', 'private', 'created_by', 'archived_id')
local is_admin = ARGV[2] == '1'
if not meta[1] or meta[2] then return 'NOROOM' end
if meta[3] == '1' and not is_admin and meta[4] ~= ARGV[1] and redis.call('SISMEMBER', KEYS[3], ARGV[1]) == 0 then
  return 'NOROOM'
end
if not is_admin and meta[4] ~= ARGV[1] then return 'FORBIDDEN' end

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local is_kept = redis.call('XLEN', KEYS[2]) > 0 and (ARGV[5] == '1' or meta[5])
-- What frees comes first: it is allowed where memory is short, and then so is the rest of the script.
local window = math.floor(now / 600000)
redis.call('DEL', KEYS[6] .. string.format('%.0f', window), KEYS[6] .. string.format('%.0f', window - 1))
if not is_kept then redis.call('DEL', KEYS[2], KEYS[3], KEYS[4]) end
redis.call('HSET', KEYS[1], 'deleted_at', string.format('%.0f', now))
if not is_kept and not meta[5] then redis.call('PEXPIRE', KEYS[1], ARGV[6]) end
redis.pcall(ARGV[3], KEYS[5], ARGV[4])
return is_kept and 'KEPT' or 'GONE'
