-- Puts back what Redis lost of one room, on behalf of the edges that posted it.
--
-- KEYS  1 channel, 2 stream, 3 meta, 4 what the hashes of sends already made begin with, 5 what is to be put back
-- ARGV  1 the step, 2 PUBLISH or SPUBLISH, 3 the room, 4 the edge that calls
--       5 6 7 the highest seq, its id and its epoch by earlier replies to this edge (0, empty, 0: none)
--       8 9 the highest seq and id of that epoch that its members were given (0, empty: none)
--       10 … 14 what the room is: name, created_by, created_at, topic, private (empty: the edge does not know)
--       15 the lot in which the edge staged messages since it looked (empty: it has not)
--       then messages; each is id and seq, and at the step `stage` type, user, name, text, nonce, to, target,
--       reply_to, tail of the envelope too
-- Reply a state, epoch (0 where the room has none), seq, last id, lot, then one element for each message
--
-- step    messages                   state                                element
-- look    the edge's newest          1 where something is lost            none
-- stage   all of the edge's          0, or 2                              1 where it is to be put back
-- settle  none                       1 as long as others may stage some,  none
--                                    or 2
-- ask     those to be put back       0                                    '', 'ID SEQ' (moved there), '?' (missing)
--
-- Edges that find the same loss stage what they posted; the first that settles puts all of it back in the order of its
-- numbers. So no edge takes a place that another edge's message had. As in post.lua all is read and checked first;
-- standing.lua, which goes before this, does that for every step.
--
-- What is put back together is a lot. The state 2 says that the edge's lot was lost before it was put back: it has to
-- look again, at once, so that what it had in there comes back together with what the others have.
--
-- With its messages a room gets back what was deleted in it, its topic, and what it is. One that was private is private
-- again whatever has become of it; what was said there does not come back into one that somebody else has made
-- meanwhile. Where no edge knows what the room was, it is private: somebody who may can open it, and nobody could close
-- again what was read.

if step == 'look' then
  local is_lost = count > 0 and not is_deleted and (epoch == nil
    or not is_settled(ARGV[first], natural(ARGV[first + 1]), known_epoch)
    or (epoch == known_epoch and seq < math.max(known_seq, heard_seq)) or is_bared(nature))
  -- Other edges hear of it, and look for themselves.
  if is_lost then tell(math.max(known_seq, heard_seq)) end
  return answer(is_lost and 1 or 0)
end

if step == 'ask' then
  local reply = answer(0)
  for i = 0, count - 1 do
    local id, number = ARGV[first + i * width], natural(ARGV[first + i * width + 1])
    reply[6 + i] = is_settled(id, number, known_epoch) and '' or sent('/' .. id) or '?'
  end
  return reply
end

if step == 'stage' then
  local reply, values = answer(0), {}
  if count == 0 and (is_deleted or not nature or (epoch and not is_bared(nature))) then return reply end
  for i = 0, count - 1 do
    local at = first + i * width
    local is_lost = not is_settled(ARGV[at], natural(ARGV[at + 1]), known_epoch)
    reply[6 + i] = is_lost and 1 or 0
    if is_lost then
      values[#values + 1] = ARGV[at]
      values[#values + 1] = cmsgpack.pack({ unpack(ARGV, at, at + width - 1) })
    end
  end
  local staged = redis.call('HMGET', KEYS[5], 'seq', 'id', 'epoch', 'since', 'nature', 'lot')
  if lot ~= '' and lot ~= staged[6] and not is_put_back(lot) then return answer(2) end
  -- To the µs: no two calls of a script, with the loss between them, have the same.
  lot = staged[6] or time[1] .. '.' .. time[2]
  reply[5] = lot
  -- What was heard need not be true: an id far ahead of the clock would hold up the room's ids for ever.
  local heard_ms = tonumber(string.match(heard_id, '^(%d+)-') or '0')
  local top_id = known_id
  if heard_ms <= now + 60000 and above(heard_id, top_id) then top_id = heard_id end
  if above(staged[2] or '', top_id) then top_id = staged[2] end
  local service = {
    'seq', whole(math.max(natural(staged[1]) or 0, known_seq, heard_seq)), 'id', top_id,
    'epoch', whole(math.max(natural(staged[3]) or 0, known_epoch)), 'since', whole(now), 'lot', lot,
  }
  local held = staged[5] and cmsgpack.unpack(staged[5])
  if nature and not (held and held[5] == '1') then
    service[#service + 1] = 'nature'
    service[#service + 1] = cmsgpack.pack(nature)
  end
  for _, value in ipairs(service) do values[#values + 1] = value end
  redis.call('HSET', KEYS[5], unpack(values))
  redis.call('PEXPIRE', KEYS[5], 60000)
  -- Who comes empty-handed has not looked, so that others have not heard of it.
  if count == 0 and not staged[4] then tell(math.max(known_seq, heard_seq)) end
  return reply
end

-- The step `settle`. It is asked for again and again while others stage: messages are read when their time is up.
local size = redis.call('HLEN', KEYS[5])
if lot ~= '' and (size == 0 or redis.call('HGET', KEYS[5], 'lot') ~= lot) then
  return answer(is_put_back(lot) and 0 or 2)
end
if size == 0 then return answer(0) end
local staged, count_staged = {}, size
local service = { 'seq', 'id', 'epoch', 'since', 'nature', 'lot' }
for i, value in ipairs(redis.call('HMGET', KEYS[5], unpack(service))) do
  if value then staged[service[i]], count_staged = value, count_staged - 1 end
end
local was = staged.nature and cmsgpack.unpack(staged.nature)
if is_bared(was) then
  local closed = redis.pcall('HSET', KEYS[3], 'private', '1')
  if type(closed) == 'table' then return closed end
  if is_another(was) then redis.pcall('HSET', KEYS[3], 'created_by', was[2]) end
end
if is_another(was) then
  redis.pcall('DEL', KEYS[5])
  tell(natural(staged.seq) or 0)
  return answer(0)
end
local top_seq, lost_epoch = natural(staged.seq) or 0, natural(staged.epoch) or 0
local is_fenced = epoch ~= nil and epoch ~= lost_epoch
-- Where nobody has raised the counter since, the numbers behind the last entry are those messages' own.
local taken = is_fenced and seq or last_seq
local age = now - (natural(staged.since) or 0)
local is_complete = count_staged >= top_seq - taken
local wait = is_complete and short_patience or count_staged == 0 and long_patience or patience
if age >= 0 and age < wait then return answer(1) end

local fields, messages = redis.call('HGETALL', KEYS[5]), {}
for i = 1, #fields, 2 do
  if string.find(fields[i], '-', 1, true) then
    local values = cmsgpack.unpack(fields[i + 1])
    messages[#messages + 1] = { id = values[1], seq = tonumber(values[2]), values = values }
  end
end
table.sort(messages, function(a, b)
  if a.seq ~= b.seq then return a.seq < b.seq end
  return above(b.id, a.id)
end)
local places, homeless, nonces, moved, envelopes = {}, {}, {}, {}, {}
for _, message in ipairs(messages) do
  local nonce = message.values[7] ~= '' and message.values[4] .. '/' .. message.values[7] or nil
  message.nonce = nonce
  if not is_settled(message.id, message.seq, lost_epoch) and not sent('/' .. message.id) then
    local again = nonce and sent(nonce)
    if again and string.match(again, '^%S+') ~= message.id then
      -- Somebody has sent it again meanwhile.
      message.again = again
      homeless[#homeless + 1] = message
    elseif message.seq > taken and above(message.id, last_id) then
      places[#places + 1], taken, last_id = message, message.seq, message.id
    else
      homeless[#homeless + 1] = message
    end
  end
end

-- Up to which id nothing was lost: up to the last entry before the first that was. What came after the loss has ids
-- above all that was lost.
local outlived = '0-0'
if not is_fenced then
  local low = nil
  for _, list in ipairs({ places, homeless }) do
    for _, message in ipairs(list) do
      if not low or above(low, message.id) then low = message.id end
    end
  end
  local bound = low and '(' .. low or staged.id
  local entry = redis.call('XREVRANGE', KEYS[2], bound ~= '' and bound or '+', '-', 'COUNT', 1)[1]
  if entry then outlived = entry[1] end
  if above(deleted_id, outlived) and above(low or staged.id, deleted_id) then outlived = deleted_id end
end

-- Write. The first entry may be refused, and then nothing has happened.
local stored, failure, creator = 0, nil, nil
-- Where a message that is spoken of is now; what was deleted; the topic that was set last.
local gone_to, deleted, topic = {}, {}, nil
local function home(id) return gone_to[id] or string.match(sent('/' .. id) or id, '^%S+') end
local names = { 'type', 'user', 'name', 'text', 'nonce', 'to', 'target', 'reply_to' }
local function append(message, id, number)
  local command = { 'XADD', KEYS[2], id, 'seq', whole(number) }
  for i, name in ipairs(names) do
    local value = message.values[2 + i]
    if i > 6 and value ~= '' then value = home(value) end
    if i <= 4 or value ~= '' then
      command[#command + 1] = name
      command[#command + 1] = value
    end
  end
  local given = redis.pcall(unpack(command))
  if type(given) == 'table' then
    failure = given
    return nil
  end
  local kind, target = message.values[3], message.values[9]
  if kind == 'delete' and target ~= '' then deleted[#deleted + 1] = home(target) end
  if kind == 'topic' then topic = message.values[6] end
  stored, creator, seq = stored + 1, creator or message.values[4], math.max(seq, number)
  if message.nonce then
    nonces[#nonces + 1] = message.nonce
    nonces[#nonces + 1] = given .. ' ' .. whole(number)
  end
  return given
end
for _, message in ipairs(places) do
  if not failure then append(message, message.id, message.seq) end
end
if failure and stored == 0 then return failure end

local is_new = epoch == nil
if is_new and not was and stored + #homeless == 0 and meta[1] == false and seq == 0 then
  redis.call('DEL', KEYS[5])
  return answer(0)
end
local rewinds = meta[5] or ''
if not is_fenced then
  seq = math.max(seq, top_seq)
  epoch = math.max(now, math.max(epoch or 0, lost_epoch) + 1)
  rewinds = rewinds .. whole(lost_epoch) .. '>' .. whole(epoch) .. ':' .. outlived .. ' '
  while #rewinds > 400 do rewinds = string.gsub(rewinds, '^%S*%s*', '') end
end
-- Its last few lots: an edge asks within seconds.
local lots = (meta[9] or '') .. (staged.lot or '') .. ' '
while #lots > 200 do lots = string.gsub(lots, '^%S*%s*', '') end
if above(staged.id, last_id) then
  if redis.call('EXISTS', KEYS[2]) == 1 then
    redis.pcall('XSETID', KEYS[2], staged.id)
  else
    local given = redis.pcall('XADD', KEYS[2], 'MAXLEN', '0', staged.id, 'seq', '0')
    if type(given) == 'table' then return given end
  end
  last_id = staged.id
end
for _, message in ipairs(homeless) do
  local there = message.again
  if not there and not failure then
    local number = seq + 1
    local id = append(message, '*', number)
    if id then
      last_id, there = id, id .. ' ' .. whole(number)
      local tail = message.values[11]
      for i, name in ipairs({ 'target', 'reply_to' }) do
        local old = message.values[8 + i]
        -- An id has no character but `-` that means something in a pattern.
        if old ~= '' then
          tail = string.gsub(tail, '"' .. name .. '":"' .. string.gsub(old, '-', '%%-') .. '"',
            '"' .. name .. '":"' .. home(old) .. '"', 1)
        end
      end
      envelopes[#envelopes + 1] = '{"id":"' .. id .. '","seq":' .. whole(number) .. ',"ts":'
        .. string.match(id, '^%d+') .. ',' .. tail
    end
  end
  if there then
    local id, number = string.match(there, '^(%S+) (%S+)$')
    if id then
      gone_to[message.id] = id
      moved[#moved + 1] = '{"id":"' .. message.id .. '","seq":' .. whole(message.seq) .. ',"to_id":"' .. id
        .. '","to_seq":' .. number .. '}'
      nonces[#nonces + 1] = '/' .. message.id
      nonces[#nonces + 1] = there
    end
  end
end
if failure and stored == 0 then return failure end

local fenced = redis.pcall('HSET', KEYS[3], 'seq', whole(seq), 'epoch', whole(epoch), 'rewinds', rewinds,
  'lots', lots)
if type(fenced) == 'table' and stored == 0 then return fenced end
if is_new then
  for i, field in ipairs({ 'name', 'created_by', 'created_at', 'topic', 'private' }) do
    if was and was[i] ~= '' then redis.pcall('HSETNX', KEYS[3], field, was[i]) end
  end
  redis.pcall('HSETNX', KEYS[3], 'name', room)
  redis.pcall('HSETNX', KEYS[3], 'created_by', creator or '')
  redis.pcall('HSETNX', KEYS[3], 'created_at', whole(now))
  redis.pcall('HSETNX', KEYS[3], 'private', was and '0' or '1')
end
if topic then redis.pcall('HSET', KEYS[3], 'topic', topic) end
if #deleted > 0 then redis.pcall('SADD', KEYS[7], unpack(deleted)) end
for i = 1, #nonces, 2 do redis.pcall('HSET', sent_now, nonces[i], nonces[i + 1]) end
if #nonces > 0 then redis.pcall('PEXPIRE', sent_now, 1200000, 'NX') end
-- What could not be stored stays staged, for another try.
if not failure then redis.pcall('DEL', KEYS[5]) end
if #moved == 0 then tell(top_seq) end
for i = 1, #moved, 100 do tell(top_seq, { unpack(moved, i, math.min(i + 99, #moved)) }) end
for _, envelope in ipairs(envelopes) do redis.pcall(publish, KEYS[1], envelope) end
return answer(failure and 1 or 0)
