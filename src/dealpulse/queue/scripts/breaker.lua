#!lua flags=allow-oom
-- One circuit breaker per dependency, on server time.
-- KEYS: the breaker ('state': any number of breakers)
-- ARGV: the operation, then (all times ms)
--   'failed'     caller, first pause, longest pause, forgotten after
--                Returns the pause when this opened the breaker, else 0.
--   'admit'      caller, lease of a probe, forgotten after
--                Returns {0} go ahead, {wait} open, {0, opening} go ahead as the probe of this opening.
--   'succeeded'  opening. Returns 1 when that opening was still open and ends here.
--   'state'      Returns per breaker {opened, ms to the next probe}, or {} when closed.
-- The hash is there while the breaker is open: `opened`, `pause`, `due` (the next probe), and once a probe was given
-- out `prober` (who has it), `asked` (when) and `lease` (until when). `prober` goes when its probe fails.
local call = redis.call
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function read(key)
  local held = call('HMGET', key, 'opened', 'pause', 'due', 'prober', 'asked', 'lease')
  return {opened = tonumber(held[1]), pause = tonumber(held[2]), due = tonumber(held[3]), prober = held[4],
    asked = tonumber(held[5]), lease = tonumber(held[6] or '0')}
end

local function failed(key, caller, first, longest, forgotten)
  local open = read(key)
  if not open.opened then
    call('HSET', key, 'opened', now, 'pause', first, 'due', now + first)
    call('PEXPIRE', key, forgotten)
    return first
  end
  -- Only the probe's failure says anything new; the others were under way when the breaker opened.
  if open.prober == caller then
    local pause = math.min(open.pause * 2, longest)
    -- A probe that took long to fail does not put off the next.
    local due = math.max(now, math.min(now + pause, open.asked + longest))
    call('HSET', key, 'pause', pause, 'due', due)
    call('HDEL', key, 'prober', 'asked', 'lease')
    call('PEXPIRE', key, forgotten)
  end
  return 0
end

local function admit(key, caller, lease, forgotten)
  local open = read(key)
  if not open.opened then
    return {0}
  end
  if now < open.due then
    return {open.due - now}
  end
  if now < open.lease then
    -- A probe mostly ends long before its lease, so look again soon: a blip is to cost a pause, not a lease.
    return {math.min(open.pause, open.lease - now)}
  end
  call('HSET', key, 'prober', caller, 'asked', now, 'lease', now + lease)
  call('PEXPIRE', key, forgotten)
  return {0, open.opened}
end

local function succeeded(key, opening)
  if call('HGET', key, 'opened') ~= opening then
    return 0
  end
  return call('DEL', key)
end

local operation = ARGV[1]
if operation == 'failed' then
  return failed(KEYS[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]))
elseif operation == 'admit' then
  return admit(KEYS[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]))
elseif operation == 'succeeded' then
  return succeeded(KEYS[1], ARGV[2])
end
local states = {}
for index, key in ipairs(KEYS) do
  local open = read(key)
  states[index] = open.opened and {open.opened, math.max(0, math.max(open.due, open.lease) - now)} or {}
end
return states
