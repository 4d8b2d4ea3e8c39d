-- Cancel one job that has not ended.
-- request: id. Returns the state it was in, or nothing for an id that is not known.
local id, record = request.id, record_of(request.id)
local row = call('HMGET', record, 'state', 'queue', 'deal', 'batch', 'run', 'due')
local state, queue = row[1], row[2]
if not state or ENDED[state] then
  return state
end
if state == 'active' then
  call('HSET', record, 'cancel', '1')
  call('PUBLISH', 'dealpulse:cancel', id)
  return state
end
take(queue .. ':waiting', id)
take(queue .. ':delayed', id)
take(queue .. ':parked', id)
take(queue .. ':parked:' .. (row[3] or ''), id)
take('arq:abort', id)
settle(queue, id, {run = row[5], deal = row[3], batch = row[4]}, 'cancelled', {})
flush()
evict({completed = 100, failed = 500, cancelled = 100})
return state == 'waiting' and tonumber(row[6]) > now and 'delayed' or state
