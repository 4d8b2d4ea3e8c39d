-- Say that a worker lives, and keep the leases it holds on one queue.
-- request: queue, worker, registered_ms, about (fields of the worker), redis_run ('' = not asked), cut_off, lease,
--   held = list of {id, token}, at most a hundred
-- Returns {ids that are no longer this worker's, ids called off}, as MessagePack.
local queue, worker = request.queue, request.worker

-- A Redis that was away let leases and registrations run out. Whoever lived through it gets the time to say so before
-- anybody takes their jobs for a dead worker's.
local function amnesty()
  local known = call('HMGET', AMNESTY, 'began', 'redis')
  local another = request.redis_run ~= '' and known[2] ~= request.redis_run
  if another then
    call('HSET', AMNESTY, 'redis', request.redis_run)
  end
  if (request.cut_off or (another and known[2])) and now - (tonumber(known[1]) or 0) > AMNESTY_MS then
    call('HSET', AMNESTY, 'began', now)
  end
end

heard()
amnesty()
call('ZADD', 'dealpulse:workers', now + request.registered_ms, worker)
call('ZREMRANGEBYSCORE', 'dealpulse:workers', '-inf', now - 3600000)
call('ZREMRANGEBYSCORE', 'arq:abort', '-inf', now - 86400000)
call('HSET', 'dealpulse:worker:' .. worker, unpack(request.about))
call('EXPIRE', 'dealpulse:worker:' .. worker, 60)

local minute = queue .. ':minute:' .. math.floor(now / 60000)
call('HSET', minute, 'depth', call('ZCARD', queue .. ':waiting'))
call('EXPIRE', minute, MINUTES_KEPT)

local aborts = call('EXISTS', 'arq:abort') == 1
local lost, called_off = {}, {}
for _, held in ipairs(request.held) do
  local id = held[1]
  local row = call('HMGET', record_of(id), 'token', 'state', 'cancel')
  if row[1] == held[2] and row[2] == 'active' then
    put(queue, id, now + request.lease)
    put(queue .. ':active', id, now + request.lease)
    call('SET', 'arq:in-progress:' .. id, '1', 'PX', request.lease)
    if row[3] or (aborts and call('ZSCORE', 'arq:abort', id)) then
      call('HSET', record_of(id), 'cancel', '1')
      called_off[#called_off + 1] = id
    end
  else
    lost[#lost + 1] = id
  end
end
flush()
return cmsgpack.pack({lost, called_off})
