-- One turn of an engine: report what ended, claim what is due.
-- request: queue, worker, registered_ms, seq, repeated, wanted, running, lease, per_deal, limit, keep_completed,
--   keep_failed, finishing = list of {id, token, outcome, run, deal, attempt, started, delay, burn, fn, arq, untraced,
--   fields, fault}
-- Returns {meta, payload of the first claimed job, ...}, meta as MessagePack:
--   {now, ms to the next due job or -1, refused ids, evicted dead letters, alone, reserve, claimed jobs, ids cancelled
--   here}, each claimed job {id, run, deal, attempt, crashes, due, batches, foreign, bytes of payload}
local queue, worker = request.queue, request.worker
local QUEUE_ACTIVE, QUEUE_PARKED, DEALS = queue .. ':active', queue .. ':parked', queue .. ':deals'
local EXAMINED_MOST, PARKED_MS, MAX_PAYLOAD = 100, 60000, 1048576
local ALONE_MS = 60000
-- By how much the clocks of two programs that use arq may differ.
local SKEW_MS = 120000
local CANCELLED_KEPT = 100
local token = worker .. '#' .. request.seq
local refused, freed_deals, called_off_here = {}, {}, {}

-- How many jobs of each deal run, as this turn leaves it.
local deals = {}
local function running_of(deal)
  if not deals[deal] then
    deals[deal] = tonumber(call('HGET', DEALS, deal) or '0')
  end
  return deals[deal]
end
local function occupy(deal, by)
  if deal and deal ~= '' then
    deals[deal] = running_of(deal) + by
    count(DEALS, deal, by)
  end
end

local function release(id, deal)
  take(QUEUE_ACTIVE, id)
  doomed['arq:in-progress:' .. id] = true
  occupy(deal, -1)
  if deal and deal ~= '' then
    freed_deals[deal] = true
  end
end

-- --- what ended ------------------------------------------------------------------------------------------------------

local function finish(entry)
  local id = entry.id
  local record = 'dealpulse:job:' .. id
  local row = call('HMGET', record, 'token', 'state', 'again', 'batch', 'cancel')
  if row[1] ~= entry.token then
    refused[#refused + 1] = id
    return
  end
  if row[2] ~= 'active' then
    return
  end
  local outcome, fields = entry.outcome, entry.fields or {}
  if outcome == 'again' and row[5] then
    outcome = 'cancelled'
    called_off_here[#called_off_here + 1] = id
  end
  release(id, entry.deal)
  take('arq:abort', id)
  if entry.fn then
    fields[#fields + 1] = 'function'
    fields[#fields + 1] = entry.fn
  end
  if entry.fault then
    count(queue .. ':faults', fields[1] == 'error_class' and fields[2] or 'unknown', 1)
    append_line(record, 'faults', entry.fault, FAULTS_KEPT)
  end
  if not entry.untraced then
    measure_time(queue, 'r', now - entry.started)
  end
  if outcome ~= 'again' then
    entry.fields = fields
    settle(queue, id, {run = entry.run, deal = entry.deal, batch = row[4], again = row[3]}, outcome, entry)
    return
  end
  local due = now + (entry.delay or 0)
  if entry.burn then
    count(queue .. ':totals', 'retried', 1)
    measure(queue, 'retried')
  else
    fields[#fields + 1] = 'attempts'
    fields[#fields + 1] = math.max(0, entry.attempt - 1)
  end
  call('HSET', record, 'state', 'waiting', 'due', due, unpack(fields))
  line_up(queue, id, due, call('HGET', record, 'priority') or 'low')
  tell(entry.burn and 'retried' or 'handed_back', queue, id, entry.deal)
end

-- What operators have stopped here: ``paused`` is the queue, ``deal:{deal}`` one deal.
local control = nil
local function is_paused(what)
  if not control then
    control = {}
    local fields = call('HGETALL', queue .. ':control')
    for position = 1, #fields, 2 do
      control[fields[position]] = true
    end
  end
  return control[what or 'paused']
end

-- Jobs parked because of their deal move up where one of the deal has ended; returns whether any did.
local function readmit()
  local any = false
  flush_sets()
  if call('EXISTS', QUEUE_PARKED) == 0 then
    return any
  end
  for deal in pairs(freed_deals) do
    local free = request.per_deal > 0 and request.per_deal - running_of(deal) or EXAMINED_MOST
    if free > 0 and not is_paused('deal:' .. deal) then
      local popped = call('ZPOPMIN', QUEUE_PARKED .. ':' .. deal, math.min(free, EXAMINED_MOST))
      for position = 1, #popped, 2 do
        local id = popped[position]
        local row = call('HMGET', record_of(id), 'state', 'due')
        take(QUEUE_PARKED, id)
        if row[1] == 'parked' then
          call('HSET', record_of(id), 'state', 'waiting')
          put(queue, id, tonumber(popped[position + 1]))
          put(queue .. ':waiting', id, tonumber(row[2]))
          any = true
        end
      end
    end
  end
  return any
end

-- --- what is due -----------------------------------------------------------------------------------------------------

local claims, payloads = {}, {}
local alone, reserve = false, false

-- Delayed jobs whose time has come take the place their priority gives them.
local function promote()
  local due = call('ZRANGEBYSCORE', queue .. ':delayed', '-inf', now, 'WITHSCORES', 'LIMIT', 0, EXAMINED_MOST)
  for position = 1, #due, 2 do
    local id = due[position]
    line_up(queue, id, tonumber(due[position + 1]), call('HGET', record_of(id), 'priority') or 'low')
  end
  flush_sets()
end

local function lease(id, row)
  local until_ms = now + request.lease
  put(queue, id, until_ms)
  put(QUEUE_ACTIVE, id, until_ms)
  local in_progress = 'arq:in-progress:' .. id
  call('SET', in_progress, '1', 'PX', request.lease)
  -- An earlier run of it may have ended in this very turn.
  doomed[in_progress] = nil
  local payload = call('GET', 'arq:job:' .. id) or ''
  row[#row + 1] = #payload
  payloads[#payloads + 1] = #payload <= MAX_PAYLOAD and payload or ''
  claims[#claims + 1] = row
end

local function adopt(id, due, ended_run)
  if ended_run then
    archive(queue, id, ended_run)
  else
    call('DEL', record_of(id))
  end
  local run = next_run(queue, id)
  call('HSET', record_of(id), 'queue', queue, 'state', 'waiting', 'priority', 'low', 'enqueued', due, 'due', due,
    'attempts', 0, 'crashes', 0, 'run', run)
  call('PERSIST', 'arq:job:' .. id)
  return run
end

-- Since when (ms) everybody may say anew what they hold; leases from before are no measure of who died.
local amnesty, resumed = nil, nil
local function amnesty_since()
  if not amnesty then
    local known = call('HMGET', AMNESTY, 'began', 'resumed')
    amnesty, resumed = tonumber(known[1] or '0'), tonumber(known[2] or '0')
  end
  return amnesty
end

local function is_amnesty()
  return now < math.max(amnesty_since(), resumed) + AMNESTY_MS
end

local function is_text(id)
  if not id:find('[\128-\255]') then
    return true
  end
  local rest = id:gsub('[\194-\223][\128-\191]', ''):gsub('[\224-\239][\128-\191][\128-\191]', '')
  return not rest:gsub('[\240-\244][\128-\191][\128-\191][\128-\191]', ''):find('[\128-\255]')
end

-- Takes at most what is wanted, looks at a hundred at most; returns whether there may be more beyond those.
local function claim()
  local wanted, examined = request.wanted, 0
  if is_paused() then
    return false
  end
  if request.limit > 0 then
    -- What runs on a dead worker takes no place: it could never be taken over where such jobs take all of them.
    local from = is_amnesty() and '-inf' or '(' .. now
    wanted = math.min(wanted, request.limit - call('ZCOUNT', QUEUE_ACTIVE, from, '+inf'))
  end
  local aborts = call('EXISTS', 'arq:abort') == 1
  local last_page = false
  while #claims < wanted and examined < EXAMINED_MOST and not alone and not last_page do
    local asked = math.min(wanted - #claims, EXAMINED_MOST - examined)
    local ids = call('ZRANGEBYSCORE', queue, '-inf', now, 'WITHSCORES', 'LIMIT', examined, asked)
    last_page = #ids < asked * 2
    for position = 1, #ids, 2 do
      local id, score = ids[position], tonumber(ids[position + 1])
      examined = examined + 1
      local record = 'dealpulse:job:' .. id
      local row = call('HMGET', record, 'state', 'deal', 'attempts', 'crashes', 'due', 'run', 'batch', 'cancel', 'token',
        'function')
      local state, deal, run, called_off = row[1], row[2], row[6], row[8]
      local attempts, crashes = tonumber(row[3]) or 0, tonumber(row[4]) or 0
      local due, foreign, take_it = tonumber(row[5]) or score, (row[10] or '') == '', true
      -- Enqueued by another program; what is known of the id is an earlier run's.
      local is_new = not state or ENDED[state]
      called_off = not is_new and called_off
      if not is_text(id) then
        -- No client of arq can have made this, and none could ask for it.
        take(queue, id)
        state, is_new, called_off, take_it = 'unreadable', false, false, false
      end
      if aborts and not called_off then
        local aborted = tonumber(call('ZSCORE', 'arq:abort', id) or '')
        if aborted and is_new and aborted < score - SKEW_MS then
          -- That was meant for an earlier run of the id, which had ended by then.
          take('arq:abort', id)
        elseif aborted then
          called_off = '1'
        end
      end
      if is_new then
        run = adopt(id, score, state and run)
        due, deal, foreign, row[7] = score, false, true, false
        attempts, crashes = 0, 0
      elseif state == 'active' then
        local held_until = tonumber(call('ZSCORE', QUEUE_ACTIVE, id) or '0')
        if held_until > now then
          -- arq's Job.abort() lowers the score of a running job; the lease is the truth.
          put(queue, id, held_until)
          take_it = false
          if called_off then
            call('HSET', record, 'cancel', '1')
            call('PUBLISH', 'dealpulse:cancel', id)
          end
        elseif is_amnesty() then
          -- Redis was away: whoever lived through that gets the time to say so.
          take_it = false
        else
          occupy(deal, -1)
          take(QUEUE_ACTIVE, id)
          if deal and deal ~= '' then
            freed_deals[deal] = true
          end
          attempts = math.max(0, attempts - 1)
          local holder = (row[9] or ''):match('^(.*)#') or ''
          -- A worker says more often that it lives than it renews leases: its last word may be later than this one's
          -- last renewal. Who is not heard of for half a registration has died.
          local registered = tonumber(call('ZSCORE', 'dealpulse:workers', holder) or '0')
          if registered <= now + request.registered_ms / 2 and held_until > amnesty_since() + request.lease then
            crashes = crashes + 1
            count(queue .. ':totals', 'crashed', 1)
            count(queue .. ':faults', 'WorkerDied', 1)
            measure(queue, 'crashed')
            tell('crashed', queue, id, deal)
            append_line(record, 'faults', '{"class":"WorkerDied","code":"crashed","worker":' .. cjson.encode(holder)
              .. ',"ended":' .. now .. '}', FAULTS_KEPT)
          end
        end
      end
      if due > now and state == 'waiting' and not called_off and call('ZSCORE', queue .. ':delayed', id) then
        -- arq's Job.abort() lowers the score of a delayed job before it says what it is about: this is in between.
        take_it = false
      end
      if take_it and called_off then
        take(queue .. ':waiting', id)
        take(queue .. ':delayed', id)
        if state == 'parked' then
          take(QUEUE_PARKED, id)
          take(QUEUE_PARKED .. ':' .. deal, id)
        end
        take('arq:abort', id)
        doomed['arq:in-progress:' .. id] = true
        settle(queue, id, {run = run, deal = deal, batch = row[7]}, 'cancelled', {})
        called_off_here[#called_off_here + 1] = id
        take_it = false
      end
      if take_it and deal and deal ~= ''
        and (is_paused('deal:' .. deal) or (request.per_deal > 0 and running_of(deal) >= request.per_deal)) then
        if state ~= 'parked' then
          local place = state == 'active' and due - (AHEAD[call('HGET', record, 'priority')] or 0) or score
          put(QUEUE_PARKED .. ':' .. deal, id, place)
          put(QUEUE_PARKED, id, now)
          take(queue .. ':waiting', id)
          call('HSET', record, 'state', 'parked', 'attempts', attempts, 'crashes', crashes)
        end
        put(queue, id, now + PARKED_MS)
        take_it = false
      end
      if take_it and crashes > 0 and crashes < 3 and (request.running > 0 or #claims > 0) then
        -- It may have taken its worker down: it runs alone. Whoever reserves it takes nothing else until idle.
        call('HSET', record, 'state', 'waiting', 'attempts', attempts, 'crashes', crashes)
        if state == 'parked' then
          take(QUEUE_PARKED, id)
          take(QUEUE_PARKED .. ':' .. deal, id)
        end
        put(queue, id, 2)
        put(queue .. ':waiting', id, due)
        if #claims == 0 then
          local holder = call('GET', queue .. ':alone')
          if not holder or holder == worker then
            call('SET', queue .. ':alone', worker, 'PX', ALONE_MS)
            reserve = true
            return true
          end
        end
        take_it = false
      end
      if take_it then
        if state == 'parked' then
          take(QUEUE_PARKED, id)
          take(QUEUE_PARKED .. ':' .. deal, id)
        end
        attempts = attempts + 1
        if crashes > 0 then
          call('HSET', record, 'crashes', crashes)
          call('DEL', queue .. ':alone')
          alone = crashes < 3
        end
        call('HSET', record, 'state', 'active', 'token', token, 'started', now, 'attempts', attempts)
        take(queue .. ':waiting', id)
        take(queue .. ':delayed', id)
        occupy(deal, 1)
        measure_time(queue, 'w', now - due)
        tell('started', queue, id, deal)
        lease(id, {id, run, deal or '', attempts, crashes, due, row[7] or '', foreign})
        if alone then
          break
        end
      end
    end
  end
  return examined >= EXAMINED_MOST
end

-- The answer to this very claim was lost: what it took and nobody else took since is handed out again.
local function repeat_claim(stored)
  for position = 2, #stored do
    local id = stored[position]
    local row = call('HMGET', record_of(id), 'token', 'state', 'attempts', 'crashes', 'due', 'run', 'deal', 'batch',
      'function')
    if row[1] == token and row[2] == 'active' then
      local crashes = tonumber(row[4])
      alone = alone or (crashes > 0 and crashes < 3)
      lease(id, {id, row[6], row[7] or '', tonumber(row[3]), crashes, tonumber(row[5]), row[8] or '', (row[9] or '') == ''})
    end
  end
end

-- --- the turn --------------------------------------------------------------------------------------------------------

heard()
put('dealpulse:workers', worker, now + request.registered_ms)
for _, entry in ipairs(request.finishing) do
  finish(entry)
end
if #request.finishing > 0 then
  readmit()
  flush_sets()
  freed_deals = {}
end

local more = false
if request.wanted > 0 then
  local memory = queue .. ':turn:' .. worker
  local stored = request.repeated and call('GET', memory)
  stored = stored and cmsgpack.unpack(stored)
  if stored and stored[1] == request.seq then
    repeat_claim(stored)
    more = true
  else
    promote()
    more = claim()
    if next(freed_deals) then
      more = readmit() or more
    end
    if #claims > 0 then
      local taken = {request.seq}
      for position, row in ipairs(claims) do
        taken[position + 1] = row[1]
      end
      call('SET', memory, cmsgpack.pack(taken), 'EX', 600)
    end
  end
end
flush()
local evicted = evict({completed = request.keep_completed, failed = request.keep_failed, cancelled = CANCELLED_KEPT})

if (#claims >= request.wanted or reserve) and not is_paused()
  and #call('ZRANGEBYSCORE', queue, '-inf', now, 'LIMIT', 0, 1) > 0 then
  -- There is more than this engine could take: wake another.
  ready[queue] = true
  flush()
end
local next_due = -1
if #claims < request.wanted then
  local head = call('ZRANGEBYSCORE', queue, more and '-inf' or '(' .. now, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  next_due = head[2] and math.max(0, math.ceil(tonumber(head[2]) - now)) or -1
end
table.insert(payloads, 1, cmsgpack.pack({now, next_due, refused, evicted, alone, reserve, claims, called_off_here}))
return payloads
