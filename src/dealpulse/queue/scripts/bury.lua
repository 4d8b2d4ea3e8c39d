-- What operators do with up to a hundred kept runs: run them again, or throw them away.
-- request: queue, history ('failed' or 'cancelled'), runs, replay, first (ms since the epoch; no replayed job is due
--   before it, nor before now), spacing (ms between two of them)
-- Returns when the next one would be due, then per run: 'replayed', 'discarded', 'busy' (the same id waits or runs
--   already), 'empty' (its payload was lost before it ended) or 'unknown' (no longer kept).
local queue, answers = request.queue, {}
local history, earlier = queue .. ':' .. request.history, queue .. ':earlier'
local due = math.max(now, request.first)

local function forget(run, record)
  call('ZREM', history, run)
  call('SREM', earlier, run)
  call('DEL', record)
end

local function replay(run, id, record, live)
  if live and not ENDED[live] then
    return 'busy'
  end
  local row = call('HMGET', record, 'payload', 'function', 'deal', 'request', 'priority', 'caller')
  if not row[1] then
    return 'empty'
  end
  forget(run, record)
  add(queue, {id = id, payload = row[1], fn = row[2] or '', deal = row[3] or '', request = row[4], caller = row[6],
    priority = row[5] or 'normal', due = math.floor(due)})
  due = due + request.spacing
  return 'replayed'
end

for position, run in ipairs(request.runs) do
  local id = run:match('^%d+:(.*)$') or ''
  local latest = call('HMGET', record_of(id), 'run', 'state')
  local record = latest[1] == run and record_of(id) or 'dealpulse:run:' .. run
  if not call('ZSCORE', history, run) then
    answers[position] = 'unknown'
  elseif request.replay then
    answers[position] = replay(run, id, record, latest[2])
  else
    tell('discarded', queue, id, call('HGET', record, 'deal'))
    forget(run, record)
    answers[position] = 'discarded'
  end
end
flush()
table.insert(answers, 1, math.ceil(due))
return answers
