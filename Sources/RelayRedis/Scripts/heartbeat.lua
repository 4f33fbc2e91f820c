-- Says that an edge lives, and lists who else does.
--
-- KEYS  1 edges
-- ARGV  1 the edge, 2 how old in ms a heartbeat may be, 3 how old in ms the entry of a dead edge may be
--       then edges that are buried: off the list, where they have not come to life again
-- Reply the time in ms, then a list of the edges that live, then a list of those that do not, then 1 where an earlier
--       heartbeat of this edge was there, else 0
--
-- The first write takes memory away, not up: Redis allows it when memory is short, and with it the second. A full Redis
-- is no death.

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local function whole(number) return string.format('%.0f', number) end
local oldest = whole(now - tonumber(ARGV[2]))
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. whole(now - tonumber(ARGV[3])))
for i = 4, #ARGV do
  local last = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if last and tonumber(last) < tonumber(oldest) then redis.call('ZREM', KEYS[1], ARGV[i]) end
end
local known = redis.call('ZSCORE', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[1], whole(now), ARGV[1])
return {
  whole(now),
  redis.call('ZRANGEBYSCORE', KEYS[1], oldest, '+inf'),
  redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. oldest),
  known and 1 or 0,
}
