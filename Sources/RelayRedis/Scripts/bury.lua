-- Takes the entries of dead edges out of a room and publishes who left with them.
--
-- KEYS  1 here, 2 meta, 3 channel, 4 stream, 5 members, 6 deleted, 7 unused, 8 when each did something last
-- ARGV  1 the edge that calls, 2 PUBLISH or SPUBLISH, 3 the room
--       4 people up to whom each is told; above it goes out how many are left
--       5 6 the event that says how many, up to the number and from there
--       then the ids of the dead edges
-- Reply how many users are there now, 1 where the room was forgotten, else 0, and 0
--
-- A leave is published by the script that removes the entry, so that one edge announces it, once.

local is_dead = {}
for i = 7, #ARGV do is_dead[ARGV[i]] = true end

local fields = redis.call('HGETALL', KEYS[1])
local people, total, removed, events = {}, 0, {}, {}
for i = 1, #fields, 2 do
  local owner, user = string.match(fields[i], '^(.*)/([^/]*)$')
  if owner and is_dead[owner] then
    removed[#removed + 1] = { fields[i], user, fields[i + 1] }
  elseif user and not people[user] then
    people[user], total = true, total + 1
  end
end

for _, entry in ipairs(removed) do
  redis.call('HDEL', KEYS[1], entry[1])
  redis.call('HDEL', KEYS[8], entry[1])
  local user = entry[2]
  if not people[user] then
    -- Two dead edges may have had the same user.
    people[user] = true
    local name = string.match(entry[3], '^{"name":(".*"),"since":%d+,"sessions":%d+}$')
    local event = '{"type":"leave","room":"' .. ARGV[3] .. '","user":"' .. user .. '"'
      .. (name and ',"name":' .. name or '') .. ',"edge":"' .. ARGV[1] .. '"}'
    events[#events + 1] = event
  end
end
if total + #events <= tonumber(ARGV[4]) then
  for _, event in ipairs(events) do redis.pcall(ARGV[2], KEYS[3], event) end
elseif #events > 0 then
  redis.pcall(ARGV[2], KEYS[3], ARGV[5] .. string.format('%.0f', total) .. ARGV[6])
end
if total > 0 or redis.call('HLEN', KEYS[1]) > 0 then return { total, 0, 0 } end

-- Nobody is left. A room in which nothing was ever said is forgotten, as by whoever leaves last: not one that was made
-- for some people alone.
local meta = redis.call('HMGET', KEYS[2], 'seq', 'private')
local is_for_some = meta[2] == '1' and not string.find(KEYS[2], '{dm:', 1, true)
if meta[1] and tonumber(meta[1]) == 0 and not is_for_some and redis.call('XLEN', KEYS[4]) == 0 then
  redis.call('DEL', KEYS[2], KEYS[5], KEYS[6])
  return { 0, 1, 0 }
end
return { 0, 0, 0 }
