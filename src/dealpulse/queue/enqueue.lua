-- Enqueue a batch, all in one step.
-- KEYS: queue, active, completed, failed, wake
-- ARGV: count, then per job: id, payload, due (ms, '' = now), function, deal, request id, and what asking means for an
--       id that waits or runs already:
--         ''        nothing but that one waiting comes sooner if it is asked for sooner
--         'again'   one running runs once more afterwards
--         'replace' the same, and the new payload takes the place of the one that waits
--         'missing' nothing at all
-- Returns per job: 1 new, 0 already waiting or running.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local added, due_now = {}, false

local function ask_again(id, payload, due, meaning)
  local record = 'dealpulse:job:' .. id
  if redis.call('ZSCORE', KEYS[2], id) then
    if meaning == 'replace' then
      redis.call('HSET', record, 'again', payload)
    elseif meaning == 'again' then
      redis.call('HSETNX', record, 'again', payload)
    end
    return
  end
  if meaning == 'replace' then
    redis.call('SET', 'arq:job:' .. id, payload)
  end
  local score = redis.call('ZSCORE', KEYS[1], id)
  if score and due < tonumber(score) then
    redis.call('ZADD', KEYS[1], due, id)
    redis.call('HSET', record, 'due', due)
    due_now = due_now or due <= now
  end
end

for index = 0, tonumber(ARGV[1]) - 1 do
  local base = 2 + index * 7
  local id, payload = ARGV[base], ARGV[base + 1]
  local due = tonumber(ARGV[base + 2]) or now
  local record, body = 'dealpulse:job:' .. id, 'arq:job:' .. id
  if redis.call('EXISTS', body) == 1 then
    added[index + 1] = 0
    if ARGV[base + 6] ~= 'missing' then
      ask_again(id, payload, due, ARGV[base + 6])
    end
  else
    added[index + 1] = 1
    redis.call('DEL', record, 'arq:result:' .. id, 'arq:retry:' .. id)
    redis.call('ZREM', KEYS[3], id)
    redis.call('ZREM', KEYS[4], id)
    redis.call('SET', body, payload)
    redis.call('HSET', record, 'queue', KEYS[1], 'function', ARGV[base + 3], 'deal', ARGV[base + 4],
      'request', ARGV[base + 5], 'state', 'waiting', 'enqueued', now, 'due', due, 'attempts', 0, 'crashes', 0)
    redis.call('ZADD', KEYS[1], due, id)
    due_now = due_now or due <= now
  end
end
if due_now and redis.call('LLEN', KEYS[5]) == 0 then
  redis.call('LPUSH', KEYS[5], '1')
end
return added
