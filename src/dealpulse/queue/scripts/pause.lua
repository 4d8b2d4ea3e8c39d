-- Stop or start a queue, or one deal's jobs on it.
-- request: queue, deal ('' = the whole queue), paused
local field = request.deal == '' and 'paused' or 'deal:' .. request.deal
if request.paused then
  call('HSET', request.queue .. ':control', field, now)
else
  call('HDEL', request.queue .. ':control', field)
  ready[request.queue] = true
end
tell(request.paused and 'paused' or 'resumed', request.queue, '', request.deal)
flush()
return 1
