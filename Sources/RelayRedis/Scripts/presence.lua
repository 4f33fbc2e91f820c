-- Writes what changed of the people of one room on one edge, and publishes who came and who went.
--
-- KEYS  1 here, 2 meta, 3 channel, 4 stream, 5 members, 6 deleted, 7 when a summary was told, and what,
--       8 when each did something last
-- ARGV  1 the edge that calls
--       2 PUBLISH or SPUBLISH
--       3 fields up to which `here` is looked through; above it the answer counts fields, and a user on two edges twice
--       4 1: an edge in neither list is dead; 0: it may be new, and then nothing is done and the reply is UNKNOWN
--       5 people up to whom each is told; above it goes out how many there are, at most once a second
--       6 7 the event that says how many, up to the number and from there
--       8 how many other edges live, then their ids
--       then how many are dead, then their ids
--       then for each user: user, 1 gone or 0, the entry up to `since`, the entry from there, join event, leave event,
--       for how many ms the user has done nothing
-- Reply how many users are there now, 1 where the room was forgotten, else 0, and 1 where a summary is owed, else 0

local edge, publish, walk_max, is_settled = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4] == '1'
local at = 8
local function edges()
  local list, set = {}, {}
  for i = 1, tonumber(ARGV[at]) do
    list[i] = ARGV[at + i]
    set[list[i]] = true
  end
  at = at + #list + 1
  return list, set
end
local living, is_living = edges()
local _, is_dead = edges()
local first, width = at, 7
local count = (#ARGV - first + 1) / width

-- Who is here by other edges: of a small hash by all its fields, of a large one by asking for these users.
local size = redis.call('HLEN', KEYS[1])
local is_walked = size <= walk_max
local elsewhere, people = {}, {}
if is_walked then
  for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
    local owner, user = string.match(field, '^(.*)/([^/]*)$')
    if owner == edge then
      people[user] = true
    elseif owner and not is_dead[owner] then
      if is_living[owner] then
        elsewhere[user], people[user] = true, true
      elseif not is_settled then
        return { 'UNKNOWN', 0, 0 }
      end
    end
  end
else
  for _, other in ipairs(living) do
    local fields = {}
    for i = 1, count do fields[i] = other .. '/' .. ARGV[first + (i - 1) * width] end
    for i, value in ipairs(redis.call('HMGET', KEYS[1], unpack(fields))) do
      if value then elsewhere[ARGV[first + (i - 1) * width]] = true end
    end
  end
end

local own = {}
for i = 1, count do own[i] = edge .. '/' .. ARGV[first + (i - 1) * width] end
local before = count > 0 and redis.call('HMGET', KEYS[1], unpack(own)) or {}
local time = redis.call('TIME')
local milliseconds = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local function whole(number) return string.format('%.0f', number) end
local now = whole(milliseconds)

local gone, kept, active, events = {}, {}, {}, {}
for i = 1, count do
  local base = first + (i - 1) * width
  local user = ARGV[base]
  if ARGV[base + 1] == '1' then
    gone[#gone + 1] = own[i]
    if not elsewhere[user] then
      people[user] = nil
      if before[i] then events[#events + 1] = ARGV[base + 5] end
    end
  else
    local since = before[i] and string.match(before[i], ',"since":(%d+),"sessions":%d+}$') or now
    kept[#kept + 1] = own[i]
    kept[#kept + 1] = ARGV[base + 2] .. since .. ARGV[base + 3]
    active[#active + 1] = own[i]
    active[#active + 1] = whole(milliseconds - tonumber(ARGV[base + 6]))
    people[user] = true
    if not before[i] and not elsewhere[user] then events[#events + 1] = ARGV[base + 4] end
  end
end

-- Leaving first: it is allowed where memory is short, and then so is the rest of the script.
if #gone > 0 then
  redis.call('HDEL', KEYS[1], unpack(gone))
  redis.call('HDEL', KEYS[8], unpack(gone))
end
if #kept > 0 then
  redis.call('HSET', KEYS[1], unpack(kept))
  redis.pcall('HSET', KEYS[8], unpack(active))
end

local total = redis.call('HLEN', KEYS[1])
if is_walked then
  total = 0
  for _ in pairs(people) do total = total + 1 end
end
local owed = 0
if total <= tonumber(ARGV[5]) then
  for _, event in ipairs(events) do redis.pcall(publish, KEYS[3], event) end
elseif #events > 0 or count == 0 then
  local told_at, told = string.match(redis.call('GET', KEYS[7]) or '', '^(%d+) (%d+)$')
  if tonumber(told) == total then
    owed = 0
  elseif told_at and milliseconds - tonumber(told_at) < 1000 then
    owed = 1
  else
    redis.pcall('SET', KEYS[7], now .. ' ' .. whole(total), 'PX', '10000')
    redis.pcall(publish, KEYS[3], ARGV[6] .. whole(total) .. ARGV[7])
  end
end
if total > 0 then return { total, 0, owed } end

-- Nobody is left but the entries of dead edges. A room in which nothing was ever said is forgotten; but not one that
-- was made for some people alone: the first of them to come would make it anew, open to all, and not know.
redis.call('DEL', KEYS[1], KEYS[8])
local meta = redis.call('HMGET', KEYS[2], 'seq', 'private')
local is_for_some = meta[2] == '1' and not string.find(KEYS[2], '{dm:', 1, true)
if meta[1] and tonumber(meta[1]) == 0 and not is_for_some and redis.call('XLEN', KEYS[4]) == 0 then
  redis.call('DEL', KEYS[2], KEYS[5], KEYS[6])
  return { 0, 1, 0 }
end
return { 0, 0, 0 }
