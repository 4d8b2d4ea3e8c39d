-- What every script begins with: its request, the time, and one unit of work.
--
-- Scripts decide first and write last: changes of sorted sets, counters and deletions are gathered here and written by
-- flush(), variadic, which is what makes a batch of a hundred jobs cheap. Who reads a sorted set after changing it has
-- to flush() in between.
--
-- ARGV: the request, as MessagePack. Keys are built from names: one shard is required.
local call = redis.call
local request = cmsgpack.unpack(ARGV[1])
local clock = call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local EVENTS, EVENTS_KEPT = 'dealpulse:events', 10000
local RESULT_MS = 3600 * 1000
local MINUTES_KEPT, HOURS_KEPT = 24 * 3600, 14 * 24 * 3600
local BATCH_OPEN, BATCH_KEPT = 30 * 24 * 3600, 7 * 24 * 3600
local FAULTS_KEPT = 20
-- How much sooner than its due time a waiting job counts as due: what waits longer than the difference goes first.
local AHEAD = {critical = 24 * 3600 * 1000, high = 4 * 3600 * 1000, normal = 3600 * 1000, low = 0}
local RANK = {critical = 4, high = 3, normal = 2, low = 1}
local ENDED = {completed = true, failed = true, cancelled = true}

local function record_of(id)
  return 'dealpulse:job:' .. id
end

-- --- who was heard ---------------------------------------------------------------------------------------------------

-- Where nobody was heard for so long, Redis itself was away: frozen, or cut off from everybody. No lease could be kept
-- then, and a claim from before may arrive before who holds the job is back.
local AMNESTY, AMNESTY_MS, SILENCE_MS = 'dealpulse:amnesty', 10000, 8000
local function heard()
  local last = tonumber(call('HGET', AMNESTY, 'heard') or '')
  if last and now - last > SILENCE_MS then
    call('HSET', AMNESTY, 'resumed', now)
  end
  if not last or now - last > 1000 then
    call('HSET', AMNESTY, 'heard', now)
  end
end

-- --- one unit of work ------------------------------------------------------------------------------------------------

local scores, counters, doomed, events, ready, runs, histories = {}, {}, {}, {}, {}, {}, {}

local function put(key, member, score)
  local members = scores[key]
  if not members then
    members = {}
    scores[key] = members
  end
  members[member] = score
end

local function take(key, member)
  put(key, member, false)
end

local function count(key, field, by)
  local fields = counters[key]
  if not fields then
    fields = {}
    counters[key] = fields
  end
  fields[field] = (fields[field] or 0) + by
end

local minutes, hours = {}, {}
local function measure(queue, field)
  if not minutes[queue] then
    minutes[queue] = queue .. ':minute:' .. math.floor(now / 60000)
    hours[queue] = queue .. ':hour:' .. math.floor(now / 3600000)
  end
  count(minutes[queue], field, 1)
  count(hours[queue], field, 1)
end

-- Half octaves: bucket b holds times up to 2^(b/2) ms.
local HALF_OCTAVE = math.log(2) / 2
local function measure_time(queue, prefix, ms)
  local bucket = prefix .. (ms <= 1 and 0 or math.ceil(math.log(ms) / HALF_OCTAVE))
  measure(queue, bucket)
  -- Also since the queue exists: who scrapes wants counts that only grow.
  count(queue .. ':times', bucket, 1)
  count(queue .. ':times', prefix .. 'sum', ms)
end

local function tell(kind, queue, id, deal)
  events[#events + 1] = {kind, queue, id, deal or ''}
end

local function call_in_chunks(command, key, arguments)
  for first = 1, #arguments, 2000 do
    call(command, key, unpack(arguments, first, math.min(first + 1999, #arguments)))
  end
end

local function flush_sets()
  for key, members in pairs(scores) do
    local added, removed = {}, {}
    for member, score in pairs(members) do
      if score then
        added[#added + 1] = score
        added[#added + 1] = member
      else
        removed[#removed + 1] = member
      end
    end
    call_in_chunks('ZADD', key, added)
    call_in_chunks('ZREM', key, removed)
  end
  scores = {}
end

local function expire_metric(key)
  if key:find(':minute:', 1, true) then
    call('EXPIRE', key, MINUTES_KEPT)
  elseif key:find(':hour:', 1, true) then
    call('EXPIRE', key, HOURS_KEPT)
  end
end

local function flush_counters()
  for key, fields in pairs(counters) do
    for field, by in pairs(fields) do
      local total = by == 0 and 1 or call('HINCRBY', key, field, by)
      if total <= 0 then
        call('HDEL', key, field)
      elseif total == by then
        expire_metric(key)
      end
    end
  end
  counters = {}
end

local function flush()
  flush_sets()
  local keys = {}
  for key in pairs(doomed) do
    keys[#keys + 1] = key
  end
  for first = 1, #keys, 2000 do
    call('DEL', unpack(keys, first, math.min(first + 1999, #keys)))
  end
  doomed = {}
  flush_counters()
  for queue in pairs(ready) do
    if call('LLEN', queue .. ':wake') == 0 then
      call('LPUSH', queue .. ':wake', '1')
    end
  end
  ready = {}
  if #events > 0 then
    call('XADD', EVENTS, 'MAXLEN', '~', EVENTS_KEPT, '*', 'e', cmsgpack.pack(events))
    events = {}
  end
end

-- Lines stand in one field of the record, so that only a job that has some pays for them.
local function append_line(record, field, line, kept)
  local lines = {}
  for known in (call('HGET', record, field) or ''):gmatch('[^\n]+') do
    lines[#lines + 1] = known
  end
  lines[#lines + 1] = line
  call('HSET', record, field, table.concat(lines, '\n', math.max(1, #lines - kept + 1)))
end

-- --- a job's life ----------------------------------------------------------------------------------------------------

-- Runs are numbered within their queue, so that an id may run again and its earlier runs stay in history.
local function next_run(queue, id)
  local number = runs[queue]
  if not number then
    number = call('HINCRBY', queue .. ':totals', 'runs', 1)
  else
    count(queue .. ':totals', 'runs', 1)
    number = number + 1
  end
  runs[queue] = number
  return number .. ':' .. id
end

-- The ended run keeps its record under its own name: the id's is for the next one.
local function archive(queue, id, run)
  if not run then
    call('DEL', record_of(id))
    return
  end
  -- It may have ended on another queue than the one it is asked for on now.
  local home = call('HGET', record_of(id), 'queue') or queue
  call('RENAME', record_of(id), 'dealpulse:run:' .. run)
  call('SADD', home .. ':earlier', run)
end

local function due_of(item)
  return item.due or now + (item.delay or 0)
end

-- Waiting from ``due`` on, ahead of that by its priority; delayed until then.
local function line_up(queue, id, due, priority)
  if due <= now then
    put(queue, id, due - (AHEAD[priority] or 0))
    put(queue .. ':waiting', id, due)
    take(queue .. ':delayed', id)
    ready[queue] = true
  else
    put(queue, id, due)
    put(queue .. ':delayed', id, due)
    take(queue .. ':waiting', id)
  end
end

-- ``batches``: ids with spaces between them, which the job joins beside those it ``known``-ly belongs to.
local function join_batches(record, known, batches)
  local all = known
  for batch in batches:gmatch('%S+') do
    if not (' ' .. all .. ' '):find(' ' .. batch .. ' ', 1, true) then
      all = all == '' and batch or all .. ' ' .. batch
      call('HINCRBY', 'dealpulse:batch:' .. batch, 'total', 1)
      call('EXPIRE', 'dealpulse:batch:' .. batch, BATCH_OPEN)
    end
  end
  if all ~= known then
    call('HSET', record, 'batch', all)
  end
end

-- Asked for again while it waits or runs; item.meaning says what that means:
--   ''         one that waits comes sooner if it is asked for sooner
--   'again'    one that runs runs once more afterwards
--   'replace'  the same, and the new payload takes the place of the old
--   'debounce' one that is delayed takes the new payload and is delayed anew, at most to item.ceiling ms after the first
--              asking; one that runs runs once more
--   'missing'  nothing at all
local function ask_again(queue, item, record)
  local id, meaning = item.id, item.meaning or ''
  if meaning == 'missing' then
    return
  end
  local known = call('HMGET', record, 'state', 'due', 'priority', 'enqueued', 'batch', 'deal', 'queue')
  local state, due, priority = known[1], tonumber(known[2]), known[3] or 'normal'
  -- It stays on the queue it is on.
  queue = known[7] or queue
  join_batches(record, known[5] or '', item.batch or '')
  local asked_priority = item.priority or 'normal'
  local raised = (RANK[asked_priority] or 0) > (RANK[priority] or 0)
  if raised then
    priority = asked_priority
    call('HSET', record, 'priority', priority)
  end
  if state == 'active' then
    if meaning == 'replace' or meaning == 'debounce' then
      call('HSET', record, 'again', item.payload)
    elseif meaning == 'again' then
      call('HSETNX', record, 'again', item.payload)
    end
    return
  end
  if meaning == 'replace' or meaning == 'debounce' then
    call('SET', 'arq:job:' .. id, item.payload)
  end
  local wanted, asked = due, due_of(item)
  if meaning == 'debounce' and due > now then
    wanted = math.max(now, math.min(asked, tonumber(known[4]) + (item.ceiling or 0)))
  elseif asked < due then
    wanted = math.max(asked, now)
  end
  if wanted ~= due or raised then
    call('HSET', record, 'due', wanted)
    if state == 'waiting' then
      line_up(queue, id, wanted, priority)
    else
      -- Its deal keeps it parked; this is the place it returns to.
      put(queue .. ':parked:' .. (known[6] or ''), id, wanted - (AHEAD[priority] or 0))
    end
  end
end

-- Returns 1 for a new job, 0 for one that waits or runs already.
local function add(queue, item)
  local id, record = item.id, record_of(item.id)
  local known = call('HMGET', record, 'state', 'run')
  if known[1] and not ENDED[known[1]] then
    ask_again(queue, item, record)
    return 0
  end
  if known[1] then
    archive(queue, id, known[2])
  end
  local due = math.max(due_of(item), now)
  local priority = item.priority or 'normal'
  call('SET', 'arq:job:' .. id, item.payload)
  call('HSET', record, 'queue', queue, 'function', item.fn, 'deal', item.deal, 'request', item.request or '',
    'caller', item.caller or '', 'state', 'waiting', 'priority', priority, 'enqueued', now, 'due', due,
    'attempts', 0, 'crashes', 0, 'run', next_run(queue, id))
  doomed['arq:job:' .. id] = nil
  doomed['arq:result:' .. id] = true
  take('arq:abort', id)
  line_up(queue, id, due, priority)
  join_batches(record, '', item.batch or '')
  measure(queue, 'enqueued')
  tell('enqueued', queue, id, item.deal)
  return 1
end

local function batch_member_ended(batch, outcome)
  local key = 'dealpulse:batch:' .. batch
  call('HINCRBY', key, outcome, 1)
  local known = call('HMGET', key, 'total', 'completed', 'failed', 'cancelled', 'fired', 'callback')
  local ended = (tonumber(known[2]) or 0) + (tonumber(known[3]) or 0) + (tonumber(known[4]) or 0)
  if known[5] or ended < (tonumber(known[1]) or 0) then
    return
  end
  call('HSET', key, 'fired', now)
  call('EXPIRE', key, BATCH_KEPT)
  if known[6] then
    local callback = cmsgpack.unpack(known[6])
    add(callback.queue, callback)
  end
end

local CANCELLED = '{"__error__":"CancelledError","message":""}'

-- arq's result is the payload with an end of its own; of a name that stands twice in JSON the last one counts.
local function cancelled_for_arq(queue, id, payload)
  local head = '{"f":"","a":[],"k":{},"et":0'
  if payload and payload:sub(1, 1) == '{' and payload:sub(-1) == '}' and #payload > 2 then
    head = payload:sub(1, -2)
  end
  return head .. ',"t":0,"s":false,"r":' .. CANCELLED .. ',"st":' .. now .. ',"ft":' .. now .. ',"q":'
    .. cjson.encode(queue) .. ',"id":' .. cjson.encode(id) .. '}'
end

-- The end of a run. ``known``: run, deal, batch, again; ``ending``: arq (the result as arq keeps it), result (JSON),
-- untraced (a tick leaves nothing but its result), fields (names and values for the record).
local function settle(queue, id, known, outcome, ending)
  local record, body = 'dealpulse:job:' .. id, 'arq:job:' .. id
  local payload = outcome ~= 'completed' and call('GET', body)
  call('SET', 'arq:result:' .. id, outcome == 'cancelled' and cancelled_for_arq(queue, id, payload) or ending.arq,
    'PX', RESULT_MS)
  take(queue, id)
  doomed[body] = true
  if ending.untraced then
    doomed[record] = true
    return
  end
  count(queue .. ':totals', outcome, 1)
  measure(queue, outcome)
  tell(outcome, queue, id, known.deal)
  local fields = ending.fields or {}
  if outcome ~= 'completed' and payload then
    -- What it takes to run it again.
    fields[#fields + 1] = 'payload'
    fields[#fields + 1] = payload
  end
  call('HSET', record, 'state', outcome, 'finished', now, unpack(fields))
  local history = queue .. ':' .. outcome
  put(history, known.run, now)
  histories[history] = {queue = queue, outcome = outcome}
  if known.again and outcome ~= 'cancelled' then
    -- It was asked for once more while it ran.
    local item = call('HMGET', record, 'function', 'deal', 'request', 'priority', 'caller')
    call('HDEL', record, 'again')
    add(queue, {id = id, payload = known.again, fn = item[1] or '', deal = item[2] or '', request = item[3],
      priority = item[4] or 'normal', caller = item[5]})
  end
  if known.batch then
    -- Last: the job that follows may be this very one.
    for batch in known.batch:gmatch('%S+') do
      batch_member_ended(batch, outcome)
    end
  end
end

-- The oldest runs beyond what is to be kept leave the histories this script added to, a hundred at a time; returns the
-- dead letters among them. Flush before. ``keep``: by outcome.
local function evict(keep)
  local evicted, gone = {}, {}
  for history, ended in pairs(histories) do
    local excess = call('ZCARD', history) - keep[ended.outcome]
    local popped = excess > 0 and call('ZPOPMIN', history, math.min(excess, 100)) or {}
    local earlier = ended.queue .. ':earlier'
    local has_earlier = #popped > 0 and call('EXISTS', earlier) == 1
    for position = 1, #popped, 2 do
      local run = popped[position]
      if has_earlier and call('SREM', earlier, run) == 1 then
        gone[#gone + 1] = 'dealpulse:run:' .. run
      else
        gone[#gone + 1] = 'dealpulse:job:' .. run:sub(run:find(':', 1, true) + 1)
      end
      if ended.outcome == 'failed' then
        evicted[#evicted + 1] = run
        count(ended.queue .. ':totals', 'evicted', 1)
      end
    end
  end
  if #gone > 0 then
    call('DEL', unpack(gone))
  end
  flush_counters()
  histories = {}
  return evicted
end
