-- What every step of restore.lua, which follows on this, reads first: where the room stands, and what of it is lost.
-- KEYS and ARGV are explained there.

local step, publish, room, edge = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local nature = ARGV[12] ~= '' and { unpack(ARGV, 10, 14) } or nil
local lot = ARGV[15]
local first, width = 16, ARGV[1] == 'stage' and 11 or 2
local count = (#ARGV - first + 1) / width
-- How long others may stage what they have, in ms after the last that somebody staged: where nobody had a message yet,
-- where numbers are missing, and where none is.
local long_patience, patience, short_patience = 1500, 1000, 300

local function whole(number) return string.format('%.0f', number) end
local function natural(text)
  if text and string.match(text, '^%d+$') then return tonumber(text) end
  return nil
end
local function above(a, b)
  local am, as = string.match(a or '', '^(%d+)-(%d+)$')
  local bm, bs = string.match(b or '', '^(%d+)-(%d+)$')
  if not am then return false end
  if not bm or tonumber(am) ~= tonumber(bm) then return not bm or tonumber(am) > tonumber(bm) end
  return tonumber(as) > tonumber(bs)
end
local function seq_of(entry)
  for i = 1, #entry[2], 2 do
    if entry[2][i] == 'seq' then return natural(entry[2][i + 1]) end
  end
  return nil
end

-- Read: where the room stands.
local known_seq, known_id, known_epoch = natural(ARGV[5]) or 0, ARGV[6], natural(ARGV[7]) or 0
local heard_seq, heard_id = natural(ARGV[8]) or 0, ARGV[9]
local meta = redis.call('HMGET', KEYS[3], 'seq', 'epoch', 'rewound_id', 'deleted_at', 'rewinds', 'created_at',
  'private', 'opened', 'lots')
local epoch, rewound_id, is_deleted = natural(meta[2]), meta[3], meta[4]
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local window = math.floor(now / 600000)
local sent_now, sent_before = KEYS[4] .. whole(window), KEYS[4] .. whole(window - 1)
local last_id, deleted_id, oldest_id, last_seq = '0-0', '0-0', nil, 0
if redis.call('EXISTS', KEYS[2]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[2])
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then last_id = info[i + 1] end
    if info[i] == 'max-deleted-entry-id' then deleted_id = info[i + 1] end
    if info[i] == 'first-entry' and info[i + 1] then oldest_id = info[i + 1][1] end
  end
  for _, entry in ipairs(redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 20)) do
    last_seq = math.max(last_seq, seq_of(entry) or 0)
  end
end
local seq = math.max(natural(meta[1]) or 0, last_seq)

-- Whether the room is open to all although it was not; whether it is one that somebody has made anew since it was
-- private, so that nothing of it may come into this one.
local function is_bared(was)
  return was and was[5] == '1' and epoch and not is_deleted and meta[7] ~= '1' and not meta[8]
end
local function is_another(was)
  return was and was[5] == '1' and epoch and meta[6] and meta[6] ~= was[3]
end

-- Up to which id the messages of an epoch outlived every rewind since; nil where that is not known.
local function survived(its_epoch)
  local steps, bound, at = {}, nil, whole(epoch)
  for from, to, id in string.gmatch(meta[5] or '', '(%d+)>(%d+):(%d+%-%d+)') do steps[to] = { from, id } end
  while at ~= whole(its_epoch) do
    local step = steps[at]
    if not step then return nil end
    if not bound or above(bound, step[2]) then bound = step[2] end
    steps[at], at = nil, step[1]
  end
  return bound
end

-- Whether nothing has to be done for a message: it is there, archived, trimmed, or was taken out by somebody. What has
-- outlived the rewinds since and is not there was trimmed; in its own epoch the ids tell that.
local function is_settled(id, number, its_epoch)
  if is_deleted or is_another(nature) then return true end
  local entry = redis.call('XRANGE', KEYS[2], id, id)[1]
  if entry then return seq_of(entry) == number end
  if rewound_id and not above(id, rewound_id) then return true end
  if epoch == nil then return false end
  if epoch ~= its_epoch then
    local bound = survived(its_epoch)
    return bound ~= nil and not above(id, bound)
  end
  if above(id, last_id) then return false end
  return not above(id, deleted_id) or not oldest_id or above(oldest_id, id)
end
local function sent(field) return redis.call('HGET', sent_now, field) or redis.call('HGET', sent_before, field) end
-- Whether a lot was put back, and not only what came after it.
local function is_put_back(its_lot)
  return string.find(' ' .. (meta[9] or ''), ' ' .. its_lot .. ' ', 1, true) ~= nil
end
local function answer(state) return { state, whole(epoch or 0), whole(seq), last_id, '' } end
local function tell(from, moved)
  local list = moved and ',"moved":[' .. table.concat(moved, ',') .. ']' or ''
  return redis.pcall(publish, KEYS[1], '{"type":"rewound","room":"' .. room .. '","from_seq":' .. whole(from)
    .. ',"to_seq":' .. whole(seq) .. ',"epoch":' .. whole(epoch or 0) .. list .. ',"edge":"' .. edge .. '"}')
end
