-- What operators do with up to a hundred kept runs: run them again, or throw them away.
-- request: queue, history ('failed' or 'cancelled'), runs, replay, spacing (ms between two replayed), first (ms from now
--   to the first)
-- Returns per run: 'replayed', 'discarded', 'busy' (the same id waits or runs already), or 'unknown'.
local queue, answers, replayed = request.queue, {}, 0
local history = queue .. ':' .. request.history
for position, run in ipairs(request.runs) do
  local id = run:match('^%d+:(.*)$') or ''
  local record = record_of(id)
  local latest = call('HGET', record, 'run') == run
  if not latest then
    record = 'dealpulse:run:' .. run
  end
  local row = call('HMGET', record, 'payload', 'function', 'deal', 'request', 'priority', 'caller')
  local live = call('HGET', record_of(id), 'state')
  if not call('ZSCORE', history, run) or (request.replay and not row[1]) then
    answers[position] = 'unknown'
  elseif request.replay and live and not ENDED[live] then
    answers[position] = 'busy'
  else
    call('ZREM', history, run)
    call('DEL', record)
    call('SREM', queue .. ':earlier', run)
    if request.replay then
      add(queue, {id = id, payload = row[1], fn = row[2] or '', deal = row[3] or '', request = row[4], caller = row[6],
        priority = row[5] or 'normal', due = now + request.first + replayed * request.spacing})
      replayed = replayed + 1
      answers[position] = 'replayed'
    else
      tell('discarded', queue, id, row[3])
      answers[position] = 'discarded'
    end
  end
end
flush()
return answers
