-- Claim up to N due jobs, payloads included.
-- KEYS: queue, active, wake
-- ARGV: N, lease (ms), worker, claim token
-- Returns {milliseconds to the next due score or -1,
--   {id, payload, attempt, crashes, token, due, enqueued, request id}, ...}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local wanted, lease = tonumber(ARGV[1]), tonumber(ARGV[2])
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'WITHSCORES', 'LIMIT', 0, 100)
local claimed = {}
for position = 1, #ids, 2 do
  if #claimed >= wanted then
    break
  end
  local id, due = ids[position], ids[position + 1]
  local held_until = tonumber(redis.call('ZSCORE', KEYS[2], id) or '0')
  if held_until > now then
    -- arq's Job.abort() lowers the score of a running job; the lease is the truth.
    redis.call('ZADD', KEYS[1], held_until, id)
  else
    local record = 'dealpulse:job:' .. id
    local body = redis.call('GET', 'arq:job:' .. id)
    local state = redis.call('HGET', record, 'state')
    if state == 'completed' or state == 'failed' then
      -- A foreign producer enqueued a kept id again, past our enqueue script.
      redis.call('DEL', record)
      redis.call('ZREM', KEYS[1] .. ':completed', id)
      redis.call('ZREM', KEYS[1] .. ':failed', id)
    end
    if held_until > 0 then
      -- The run that went down with its worker takes a crash and gives its attempt back: no fault counts twice.
      redis.call('HINCRBY', record, 'crashes', 1)
      redis.call('HINCRBY', record, 'attempts', -1)
    end
    if body then
      redis.call('PERSIST', 'arq:job:' .. id)
    end
    local token = ARGV[4] .. ':' .. #claimed
    redis.call('HSETNX', record, 'enqueued', now)
    redis.call('HSETNX', record, 'due', due)
    redis.call('HSET', record, 'queue', KEYS[1], 'state', 'active', 'token', token, 'worker', ARGV[3], 'started', now)
    local attempt = redis.call('HINCRBY', record, 'attempts', 1)
    redis.call('ZADD', KEYS[1], now + lease, id)
    redis.call('ZADD', KEYS[2], now + lease, id)
    redis.call('SET', 'arq:in-progress:' .. id, '1', 'PX', lease)
    claimed[#claimed + 1] = {id, body or '', attempt, tonumber(redis.call('HGET', record, 'crashes') or '0'), token,
      tonumber(due), tonumber(redis.call('HGET', record, 'enqueued')), redis.call('HGET', record, 'request') or ''}
  end
end
local reply = {-1}
local following = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
if following[2] then
  reply[1] = math.max(0, math.ceil(tonumber(following[2]) - now))
end
for index = 1, #claimed do
  reply[index + 1] = claimed[index]
end
if #claimed == wanted and reply[1] == 0 and redis.call('LLEN', KEYS[3]) == 0 then
  -- There is more than this worker could take: wake another.
  redis.call('LPUSH', KEYS[3], '1')
end
return reply
