-- Enqueue what a schedule asks for, once for each time it is due, however many schedulers say so.
-- request: schedule, due (ms), make_up (ms a missed run may be late), item. Returns 1 when this call enqueued it.
local last = call('HGET', 'dealpulse:schedules', request.schedule)
if last and tonumber(last) >= request.due then
  return 0
end
call('HSET', 'dealpulse:schedules', request.schedule, request.due)
if now - request.due > request.make_up then
  return 0
end
-- A scheduler whose clock runs ahead asks early: the job waits for its time.
request.item.due = math.max(request.due, now)
add(request.item.queue, request.item)
flush()
return 1
