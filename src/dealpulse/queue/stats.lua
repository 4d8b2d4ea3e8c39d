-- Count every queue at one moment.
-- ARGV: queue keys
-- Returns per queue: waiting, delayed, active, completed, failed, oldest waiting (ms), totals as a flat list
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local reply = {}
for index, queue in ipairs(ARGV) do
  local running = redis.call('ZCARD', queue .. ':active')
  local expired = redis.call('ZCOUNT', queue .. ':active', '-inf', now)
  local due = redis.call('ZCOUNT', queue, '-inf', now)
  local all = redis.call('ZCARD', queue)
  local oldest = redis.call('ZRANGE', queue, 0, 0, 'WITHSCORES')
  local age = 0
  if oldest[2] and tonumber(oldest[2]) <= now then
    age = math.floor(now - tonumber(oldest[2]))
  end
  reply[index] = {due, all - due - (running - expired), running - expired, redis.call('ZCARD', queue .. ':completed'),
    redis.call('ZCARD', queue .. ':failed'), age, redis.call('HGETALL', queue .. ':totals')}
end
return reply
