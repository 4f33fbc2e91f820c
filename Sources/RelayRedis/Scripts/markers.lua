-- Moves markers of one user forward. None goes back.
--
-- KEYS  1 the conversation list
-- ARGV  1 rooms that a list may hold, 2 the user's channel (empty: tell nobody), 3 the event for where one moved,
--       then for each: room, id, seq
-- Reply for each where it stands now, 'ID SEQ'; empty where the list is full

local function above(one, other)
  local a, b = string.match(one, '^(%d+)-(%d+)$')
  local c, d = string.match(other, '^(%d+)-(%d+)$')
  a, b, c, d = tonumber(a), tonumber(b), tonumber(c), tonumber(d)
  return a > c or (a == c and b > d)
end

local reply, size, has_moved = {}, redis.call('HLEN', KEYS[1]), false
for i = 4, #ARGV, 3 do
  local held = redis.call('HGET', KEYS[1], ARGV[i])
  local id = held and string.match(held, '^(%d+%-%d+) %d+$')
  if not held and size >= tonumber(ARGV[1]) then
    reply[#reply + 1] = ''
  elseif not id or above(ARGV[i + 1], id) then
    reply[#reply + 1] = ARGV[i + 1] .. ' ' .. ARGV[i + 2]
    redis.call('HSET', KEYS[1], ARGV[i], reply[#reply])
    if not held then size = size + 1 end
    has_moved = true
  else
    reply[#reply + 1] = held
  end
end
if has_moved and ARGV[2] ~= '' then redis.pcall('PUBLISH', ARGV[2], ARGV[3]) end
return reply
