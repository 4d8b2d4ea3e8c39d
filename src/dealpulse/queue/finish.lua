#!lua flags=allow-oom
-- End one run: completed, failed (dead letter) or again (another attempt).
-- KEYS: queue, active, completed, failed, wake, totals
-- ARGV: id, token, outcome, delay (ms), '1' when the attempt counts, result, result time to live (ms),
--       how many to keep ('' = leave no trace but the result), function, error class, error code, error message
-- Returns 1 accepted (also when it was before), 0 when another worker owns the job now.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local id, token, outcome = ARGV[1], ARGV[2], ARGV[3]
local record, body = 'dealpulse:job:' .. id, 'arq:job:' .. id
local owner = redis.call('HMGET', record, 'token', 'state', 'again')
if owner[1] ~= token then
  return 0
end
if owner[2] ~= 'active' then
  return 1
end
local function wake()
  if redis.call('LLEN', KEYS[5]) == 0 then
    redis.call('LPUSH', KEYS[5], '1')
  end
end
redis.call('ZREM', KEYS[2], id)
redis.call('DEL', 'arq:in-progress:' .. id)
redis.call('HSET', record, 'error_class', ARGV[10], 'error_code', ARGV[11], 'error_message', ARGV[12])
if ARGV[9] ~= '' then
  redis.call('HSET', record, 'function', ARGV[9])
end

if outcome == 'again' then
  if ARGV[5] ~= '1' then
    redis.call('HINCRBY', record, 'attempts', -1)
  else
    redis.call('HINCRBY', KEYS[6], 'retried', 1)
  end
  local due = now + tonumber(ARGV[4])
  redis.call('HSET', record, 'state', 'waiting', 'due', due)
  redis.call('ZADD', KEYS[1], due, id)
  if due <= now then
    wake()
  end
  return 1
end

local payload = redis.call('GET', body)
redis.call('ZREM', KEYS[1], id)
redis.call('DEL', body, 'arq:retry:' .. id)
redis.call('SET', 'arq:result:' .. id, ARGV[6], 'PX', ARGV[7])
if ARGV[8] == '' then
  redis.call('DEL', record)
  return 1
end
redis.call('HINCRBY', KEYS[6], outcome, 1)

if owner[3] then
  -- It was asked for once more while it ran.
  redis.call('DEL', 'arq:result:' .. id)
  redis.call('SET', body, owner[3])
  redis.call('HDEL', record, 'again', 'started')
  redis.call('HSET', record, 'state', 'waiting', 'enqueued', now, 'due', now, 'attempts', 0, 'crashes', 0)
  redis.call('ZADD', KEYS[1], now, id)
  wake()
  return 1
end

redis.call('HSET', record, 'state', outcome, 'finished', now, 'result', ARGV[6])
if outcome == 'failed' and payload then
  redis.call('HSET', record, 'payload', payload)
end
local history = outcome == 'failed' and KEYS[4] or KEYS[3]
redis.call('ZADD', history, now, id)
local excess = redis.call('ZCARD', history) - tonumber(ARGV[8])
if excess > 0 then
  local evicted = redis.call('ZPOPMIN', history, math.min(excess, 100))
  for position = 1, #evicted, 2 do
    redis.call('DEL', 'dealpulse:job:' .. evicted[position])
  end
end
return 1
