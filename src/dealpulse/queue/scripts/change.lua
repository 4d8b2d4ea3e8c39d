-- Change when one waiting job runs: now (promote), or at another priority.
-- request: id, promote, priority ('' = as it is). Returns the job's state after that, or nothing for an unknown id.
local id, record = request.id, record_of(request.id)
local row = call('HMGET', record, 'state', 'queue', 'due', 'priority', 'deal')
local state, queue, due = row[1], row[2], tonumber(row[3])
if state ~= 'waiting' and state ~= 'parked' then
  return state
end
local priority = request.priority ~= '' and request.priority or row[4]
if request.promote and due > now then
  due = now
end
call('HSET', record, 'due', due, 'priority', priority)
if state == 'waiting' then
  line_up(queue, id, due, priority)
else
  -- Its deal keeps it parked; this is the place it returns to.
  put(queue .. ':parked:' .. (row[5] or ''), id, due - (AHEAD[priority] or 0))
end
tell('changed', queue, id, row[5])
flush()
return due > now and 'delayed' or state
