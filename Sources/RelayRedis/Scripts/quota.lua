-- Counts the new rooms of one user within a span that begins with the first.
--
-- KEYS  1 how many, and since when in ms
-- ARGV  1 rooms that are allowed, 2 the span in ms, 3 1 to count one more, 0 to look, -1 to take one back
-- Reply 1 and 0 where it is done or one more is allowed, else 0 and the ms until one more is allowed

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local span = tonumber(ARGV[2])
local count, since = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (%d+)$')
count, since = tonumber(count) or 0, tonumber(since) or now
if now >= since + span then count, since = 0, now end
local left = math.max(1, since + span - now)
local change = tonumber(ARGV[3])
if change >= 0 and count >= tonumber(ARGV[1]) then return { 0, left } end
if change == 0 then return { 1, 0 } end
local changed = math.max(0, count + change)
redis.call('SET', KEYS[1], string.format('%.0f %.0f', changed, since), 'PX', string.format('%.0f', left))
return { 1, 0 }
