#!lua flags=allow-oom
-- Renew the leases a worker holds.
-- KEYS: queue, active
-- ARGV: lease (ms), then id, token, ...
-- Returns the ids that are no longer this worker's.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lost = {}
for position = 2, #ARGV, 2 do
  local id = ARGV[position]
  local owner = redis.call('HMGET', 'dealpulse:job:' .. id, 'token', 'state')
  if owner[1] == ARGV[position + 1] and owner[2] == 'active' then
    redis.call('ZADD', KEYS[1], now + ARGV[1], id)
    redis.call('ZADD', KEYS[2], now + ARGV[1], id)
    redis.call('SET', 'arq:in-progress:' .. id, '1', 'PX', ARGV[1])
  else
    lost[#lost + 1] = id
  end
end
return lost
