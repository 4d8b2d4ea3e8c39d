-- Count queues at one moment.
-- request: queues. Returns, as MessagePack, per queue: waiting, delayed, active, parked, completed, failed, cancelled,
--   oldest waiting (ms), paused, totals as a flat list.
local answers = {}
for index, queue in ipairs(request.queues) do
  local running = call('ZCOUNT', queue .. ':active', '(' .. now, '+inf')
  local abandoned = call('ZCARD', queue .. ':active') - running
  local came_due = call('ZCOUNT', queue .. ':delayed', '-inf', now)
  local delayed = call('ZCARD', queue .. ':delayed') - came_due
  local parked = call('ZCARD', queue .. ':parked')
  local known_waiting = call('ZCARD', queue .. ':waiting')
  -- What other programs enqueued and nobody claimed yet has no record, only its score.
  local foreign = call('ZCARD', queue) - running - abandoned - came_due - delayed - parked - known_waiting
  local foreign_delayed = 0
  if foreign > 0 then
    local ahead = call('ZCOUNT', queue, '(' .. now, '+inf')
    foreign_delayed = math.max(0, math.min(foreign, ahead - running - delayed - parked))
  end
  local since = now
  for _, line in ipairs({queue .. ':waiting', queue .. ':delayed'}) do
    local first = call('ZRANGE', line, 0, 0, 'WITHSCORES')
    since = math.min(since, tonumber(first[2]) or now)
  end
  answers[index] = {known_waiting + came_due + abandoned + foreign - foreign_delayed, delayed + foreign_delayed, running,
    parked, call('ZCARD', queue .. ':completed'), call('ZCARD', queue .. ':failed'),
    call('ZCARD', queue .. ':cancelled'), now - since, call('HEXISTS', queue .. ':control', 'paused') == 1,
    call('HGETALL', queue .. ':totals')}
end
return cmsgpack.pack(answers)
