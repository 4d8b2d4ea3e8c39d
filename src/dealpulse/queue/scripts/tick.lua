-- Enqueue a run of a schedule, once for each time it is due, however many schedulers ask for it.
-- request: schedule, due (ms), missed (asked for only in case nobody did in time), make_up (ms a missed run may be late),
--   item. Returns 1 when this call enqueued it, 0 when that was done before or need not be, -1 when it is too late.
--
-- Schedulers' clocks differ, so runs are asked for ahead of their time and out of order. One asked for ahead of its time
-- is delayed until then; each one that is not long past is remembered by itself.
local LAST, SINCE = 'dealpulse:schedules', 'dealpulse:schedules:since'
local OUT_OF_ORDER_MS = 600000
local schedule, due, missed = request.schedule, request.due, request.missed
local asked = 'dealpulse:schedule:' .. schedule

local last = tonumber(call('HGET', LAST, schedule) or '0')
local begun = tonumber(call('ZREVRANGEBYSCORE', asked, now, '-inf', 'LIMIT', 0, 1)[1] or '0')
if begun > last then
  -- It was asked for ahead of its time, which has come.
  last = begun
  call('HSET', LAST, schedule, last)
end
if missed and last == 0 then
  -- Never seen before: it starts now.
  call('HSETNX', SINCE, schedule, now)
  last = tonumber(call('HGET', SINCE, schedule))
end
if due == last or (due < last and (missed or due < now - OUT_OF_ORDER_MS)) or call('ZSCORE', asked, due) then
  return 0
end
-- A scheduler that is alive may be slow, or its clock, whatever the window is.
if now - due > (missed and request.make_up or math.max(request.make_up, OUT_OF_ORDER_MS)) then
  return -1
end

request.item.due = due
local added = add(request.item.queue, request.item)
if due > last and due <= now then
  call('HSET', LAST, schedule, due)
end
call('ZADD', asked, due, due)
call('ZREMRANGEBYSCORE', asked, '-inf', '(' .. now - OUT_OF_ORDER_MS)
flush()
return added
