-- Puts messages of one room into its stream, numbers them and publishes their envelopes, in one step.
--
-- KEYS  1 channel, 2 stream, 3 meta, 4 what the hashes of sends already made begin with, 5 what is to be put back,
--       6 members, 7 deleted
-- ARGV  1 ceiling: entries that the stream may hold (0: any)
--       2 keep: entries to trim to where no archiver has been (0: never trim)
--       3 whether a room that does not exist is made (1 or 0)
--       4 PUBLISH or SPUBLISH
--       5 the room
--       6 7 8 the highest seq, its id and its epoch by earlier replies of this script (0, empty, 0: none)
--       9 1 where the caller puts back first what was lost: nothing is done then, and the reply is REWOUND; 2 where
--       it knows the room, so that it was lost if it is not there
--       10 a 1 for each message that an admin says, else a 0; empty where no admin says any
--       11 12 the channels of the two people of a direct conversation, in the order of the room's name; empty for any
--       other room. A key beside each says who wrote to them last
--       then for each message: type, user, name, text, nonce, to, target, reply_to, tail of the envelope
--       (empty: not there)
-- Reply epoch (0 where the room has none), why publishing failed or '', then for each message three elements:
--       id, seq and 0 stored, 1 stored by an earlier send with this nonce, 2 not stored: then seq is FULL, NOROOM,
--       FORBIDDEN, NOMESSAGE or an error
--
-- Lua does not roll back. So all is read and checked first, and what is written comes in this order: entry, counter,
-- nonce, publish. From the first entry on nothing raises: what is stored is acknowledged.

local ceiling, keep, may_create, publish = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == '1', ARGV[4]
local first, width = 13, 9
local count = (#ARGV - first + 1) / width

local function whole(number) return string.format('%.0f', number) end
local function natural(text)
  if text and string.match(text, '^%d+$') then return tonumber(text) end
  return nil
end
local function seq_of(entry)
  for i = 1, #entry[2], 2 do
    if entry[2][i] == 'seq' then return natural(entry[2][i + 1]) end
  end
  return nil
end

-- Read: where the room stands, which sends were made before.
local meta = redis.call('HMGET', KEYS[3], 'seq', 'epoch', 'archived_id', 'archived_seq', 'private', 'deleted_at',
  'created_by')
local length = redis.call('XLEN', KEYS[2])
-- In ms. A call of its own, which posts without a nonce to a room that stands can do without.
local asked
local function now()
  if not asked then
    local time = redis.call('TIME')
    asked = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  end
  return asked
end

local fields, field_of = {}, {}
for i = 0, count - 1 do
  local at = first + i * width
  if ARGV[at + 4] ~= '' then
    fields[#fields + 1] = ARGV[at + 1] .. '/' .. ARGV[at + 4]
    field_of[i] = fields[#fields]
  end
end
local sent, sent_now = {}, nil
if #fields > 0 then
  local window = math.floor(now() / 600000)
  sent_now = KEYS[4] .. whole(window)
  local current = redis.call('HMGET', sent_now, unpack(fields))
  local previous = redis.call('HMGET', KEYS[4] .. whole(window - 1), unpack(fields))
  for i, field in ipairs(fields) do sent[field] = current[i] or previous[i] end
end

-- Who may: a deleted room is none, a private one is none but for its creator and members, the topic is its creator's,
-- and what was said is its author's as long as the stream has it. Direct conversations are told apart by their name.
local is_direct = ARGV[11] ~= ''
local function parts(id)
  local ms, sequence = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(sequence)
end
local function target_verdict(target, user, is_admin)
  local ms, sequence = parts(target)
  if not ms then return 'NOMESSAGE' end
  if redis.call('SISMEMBER', KEYS[7], target) == 1 then return 'NOMESSAGE' end
  local entry = redis.call('XRANGE', KEYS[2], target, target)[1]
  if entry then
    local of = {}
    for i = 1, #entry[2], 2 do of[entry[2][i]] = entry[2][i + 1] end
    if of.type ~= 'message' and of.type ~= 'action' and of.type ~= 'direct' then return 'NOMESSAGE' end
    return (of.user ~= user and not is_admin) and 'FORBIDDEN' or nil
  end
  -- Not there: was it ever? Above the oldest entry it would be.
  local oldest = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
  if not oldest then
    if is_admin and (natural(meta[1]) or 0) > 0 then return nil end
    return 'NOMESSAGE'
  end
  if seq_of(oldest) == 1 then return 'NOMESSAGE' end
  local oldest_ms, oldest_sequence = parts(oldest[1])
  if ms > oldest_ms or (ms == oldest_ms and sequence > oldest_sequence) then return 'NOMESSAGE' end
  return not is_admin and 'FORBIDDEN' or nil
end
local function verdict(i, at)
  local kind, user = ARGV[at], ARGV[at + 1]
  local is_admin = string.sub(ARGV[10], i + 1, i + 1) == '1'
  if meta[6] then return 'NOROOM' end
  if meta[5] == '1' and not is_direct and not is_admin and meta[7] ~= user
    and redis.call('SISMEMBER', KEYS[6], user) == 0 then
    return 'NOROOM'
  end
  local is_amending = kind == 'edit' or kind == 'delete'
  if (is_amending or kind == 'topic') and not meta[2] then return 'NOROOM' end
  if kind == 'topic' and not is_admin and meta[7] ~= user then return 'FORBIDDEN' end
  return is_amending and target_verdict(ARGV[at + 6], user, is_admin) or nil
end
local verdicts = {}
for i = 0, count - 1 do verdicts[i] = verdict(i, first + i * width) end

-- The counter. One that lags behind the stream, or behind what an edge was told in the same epoch, was lost or set
-- back: it is raised, and a new epoch says so, because no number may be given twice within one. The look at the last
-- entry costs a quarter of a call with one message; it is spared where the counter is just what this edge was told.
local seq, epoch = natural(meta[1]), natural(meta[2])
local is_new = epoch == nil
local highest = math.max(seq or 0, natural(meta[4]) or 0)
if is_new or meta[1] ~= ARGV[6] or meta[2] ~= ARGV[8] then
  for _, entry in ipairs(redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', is_new and 100 or 1)) do
    highest = math.max(highest, seq_of(entry) or 0)
  end
end
local known_epoch, known, floor_id = natural(ARGV[8]) or 0, natural(ARGV[6]) or 0, nil
if ARGV[9] ~= '0' and not meta[6] then
  local is_other = is_new or epoch ~= known_epoch
  if ARGV[9] == '2' and is_new
    or known_epoch > 0 and (is_other or known > highest or (length == 0 and known > 0))
    or is_other and redis.call('EXISTS', KEYS[5]) == 1 then
    return { 'REWOUND' }
  end
end
if known_epoch > 0 and (is_new or epoch == known_epoch) then
  if known > highest then highest, floor_id = known, ARGV[7] end
end
local is_renumbered = seq == nil or highest > seq
local rewinds = nil
if is_new or is_renumbered then
  local before = epoch or known_epoch
  epoch = math.max(now(), before + 1)
  if before > 0 then
    -- Up to which id nothing was lost: see restore.lua, which has to tell what was lost from what was trimmed.
    local bound = known_epoch == before and ARGV[7] ~= '' and ARGV[7] or '+'
    local entry = redis.call('XREVRANGE', KEYS[2], bound, '-', 'COUNT', 1)[1]
    rewinds = (redis.call('HGET', KEYS[3], 'rewinds') or '') .. whole(before) .. '>' .. whole(epoch) .. ':'
      .. (entry and entry[1] or '0-0') .. ' '
    while #rewinds > 400 do rewinds = string.gsub(rewinds, '^%S*%s*', '') end
  end
end
seq = highest

-- Write.
local reply, published, nonces = { whole(epoch), '' }, {}, {}
local stored, refusal, creator = 0, nil, nil
local topic, deleted, is_deleted = nil, {}, {}
local writers = {}
if is_new and not may_create then
  refusal = 'NOROOM'
elseif ceiling > 0 and length >= ceiling then
  refusal = 'FULL'
end

local function append(at, number)
  local command = { 'XADD', KEYS[2] }
  if keep > 0 and not meta[3] then
    command[3], command[4], command[5] = 'MAXLEN', '~', ARGV[2]
  end
  local id = '*'
  if floor_id then
    -- The clock may stand behind an id that was given before: then the next one follows that id.
    local ms, sequence = string.match(floor_id, '^(%d+)-(%d+)$')
    if ms and tonumber(ms) >= now() then id = ms .. '-' .. whole(tonumber(sequence) + 1) end
    floor_id = nil
  end
  command[#command + 1] = id
  local place = #command
  local names = { 'type', 'user', 'name', 'text', 'nonce', 'to', 'target', 'reply_to' }
  command[#command + 1] = 'seq'
  command[#command + 1] = number
  for i, name in ipairs(names) do
    local value = ARGV[at + i - 1]
    if i <= 4 or value ~= '' then
      command[#command + 1] = name
      command[#command + 1] = value
    end
  end
  local given = redis.pcall(unpack(command))
  if type(given) == 'table' and id ~= '*' then
    command[place] = '*'
    given = redis.pcall(unpack(command))
  end
  return given
end

for i = 0, count - 1 do
  local at, field = first + i * width, field_of[i]
  local earlier = field and sent[field]
  local base = 3 + i * 3
  if earlier then
    reply[base], reply[base + 1] = string.match(earlier, '^(%S+) (%S+)$')
    reply[base + 2] = 1
    -- Somebody wrote there by hand: no receipt can be made of it.
    if not reply[base] then reply[base], reply[base + 1], reply[base + 2] = '', 'ERR broken nonce', 2 end
  elseif refusal or verdicts[i] then
    reply[base], reply[base + 1], reply[base + 2] = '', verdicts[i] or refusal, 2
  elseif is_deleted[ARGV[at + 6]] then
    reply[base], reply[base + 1], reply[base + 2] = '', 'NOMESSAGE', 2
  else
    local number = whole(seq + 1)
    local id = append(at, number)
    if type(id) == 'table' then
      if stored == 0 then return id end
      refusal = id.err
      reply[base], reply[base + 1], reply[base + 2] = '', refusal, 2
    else
      seq, stored, creator = seq + 1, stored + 1, creator or ARGV[at + 1]
      reply[base], reply[base + 1], reply[base + 2] = id, number, 0
      if ARGV[at] == 'topic' then topic = ARGV[at + 3] end
      if ARGV[at] == 'message' or ARGV[at] == 'action' or ARGV[at] == 'direct' then writers[ARGV[at + 1]] = true end
      if ARGV[at] == 'delete' then
        deleted[#deleted + 1], is_deleted[ARGV[at + 6]] = ARGV[at + 6], true
      end
      if field then
        sent[field] = id .. ' ' .. number
        nonces[#nonces + 1] = field
        nonces[#nonces + 1] = sent[field]
      end
      published[#published + 1] = '{"id":"' .. id .. '","seq":' .. number .. ',"ts":' .. string.match(id, '^%d+')
        .. ',' .. ARGV[at + 8]
    end
  end
end
if stored == 0 then
  -- An epoch that was not written is none.
  if is_new or is_renumbered then reply[1] = '0' end
  return reply
end

redis.pcall('HSET', KEYS[3], 'seq', whole(seq), 'epoch', whole(epoch))
if rewinds then redis.pcall('HSET', KEYS[3], 'rewinds', rewinds) end
if is_new then
  redis.pcall('HSETNX', KEYS[3], 'name', ARGV[5])
  redis.pcall('HSETNX', KEYS[3], 'created_by', creator)
  redis.pcall('HSETNX', KEYS[3], 'created_at', whole(now()))
  -- A room whose members outlived its meta was private, as direct conversations are.
  redis.pcall('HSETNX', KEYS[3], 'private', (is_direct or redis.pcall('EXISTS', KEYS[6]) ~= 0) and '1' or '0')
  if is_direct then redis.pcall('SADD', KEYS[6], string.match(ARGV[5], '^dm:([^+]+)%+(.+)$')) end
end
if topic then redis.pcall('HSET', KEYS[3], 'topic', topic) end
if #deleted > 0 then redis.pcall('SADD', KEYS[7], unpack(deleted)) end
if #nonces > 0 then
  redis.pcall('HSET', sent_now, unpack(nonces))
  redis.pcall('PEXPIRE', sent_now, 1200000, 'NX')
end
if is_direct then
  -- Whom each of the two answers by /r: before they hear of it.
  local low, high = string.match(ARGV[5], '^dm:([^+]+)%+(.+)$')
  if writers[high] then redis.pcall('SET', ARGV[11] .. ':reply', high) end
  if writers[low] then redis.pcall('SET', ARGV[12] .. ':reply', low) end
end
for _, envelope in ipairs(published) do
  local receivers = redis.pcall(publish, KEYS[1], envelope)
  if type(receivers) == 'table' then reply[2] = receivers.err end
  if is_direct then
    -- To each of the two, wherever they are and whatever rooms they are in.
    redis.pcall('PUBLISH', ARGV[11], envelope)
    redis.pcall('PUBLISH', ARGV[12], envelope)
  end
end
return reply
