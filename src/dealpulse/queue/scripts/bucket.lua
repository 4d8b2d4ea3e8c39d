#!lua flags=allow-oom
-- One token bucket per provider account, as a generic cell rate algorithm on server time.
-- KEYS: the bucket ('state': any number of buckets)
-- ARGV: the operation, then
--   'take'     ms one token takes to come ('' = no rate: it can only be closed), burst, tokens wanted
--              Returns {ms to wait or 0 when granted, ms for which it is closed}.
--   'close'    ms. Returns the ms for which this closed it, 0 when it was closed already.
--   'release'  Returns 1 when it was closed.
--   'state'    Returns the ms for which each is closed.
-- The hash holds `full`, when the bucket is full again, and `closed`, until when it is closed (both fractional ms).
-- Until no taker could tell the difference, an absent bucket being a full one, it is kept; then it expires.
local call = redis.call
local time = call('TIME')
local now = time[1] * 1000 + time[2] / 1000

-- A closing outlives its end by this (ms): whoever comes late still finds a bucket that has been filling since then.
-- `close` knows no rate, so it cannot know how long filling takes.
local REMEMBERED = 3600000

local function read(key)
  local held = call('HMGET', key, 'full', 'closed')
  return tonumber(held[1] or '0'), tonumber(held[2] or '0')
end

local function left(closed)
  return math.max(0, math.ceil(closed - now))
end

local function write(key, field, value, kept_until)
  call('HSET', key, field, string.format('%.17g', value))
  call('PEXPIREAT', key, string.format('%d', math.ceil(kept_until)))
end

local function take(key, interval, burst, tokens)
  local full, closed = read(key)
  local closed_for = left(closed)
  if not interval then
    return {closed_for, closed_for}
  end
  local capacity, cost = burst * interval, tokens * interval
  if closed_for > 0 then
    return {closed_for + math.ceil(cost), closed_for}
  end
  local kept_until = 0
  if closed > 0 then
    -- It reopened empty.
    full = math.max(full, closed + capacity)
    kept_until = closed + REMEMBERED
  end
  -- Never emptier than empty, also when the rate was raised since.
  local missing = math.min(math.max(full - now, 0), capacity)
  local wait = missing + cost - capacity
  if wait > 0 then
    return {math.ceil(wait), 0}
  end
  full = now + missing + cost
  write(key, 'full', full, math.max(full, kept_until))
  return {0, 0}
end

local function close(key, milliseconds)
  local full, closed = read(key)
  local was_open = left(closed) == 0
  closed = math.max(closed, now + milliseconds)
  write(key, 'closed', closed, math.max(full, closed + REMEMBERED))
  return was_open and milliseconds or 0
end

local function release(key)
  local full, closed = read(key)
  if left(closed) == 0 then
    return 0
  end
  write(key, 'closed', now, math.max(full, now + REMEMBERED))
  return 1
end

local operation = ARGV[1]
if operation == 'take' then
  return take(KEYS[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]))
elseif operation == 'close' then
  return close(KEYS[1], tonumber(ARGV[2]))
elseif operation == 'release' then
  return release(KEYS[1])
end
local states = {}
for index, key in ipairs(KEYS) do
  local _, closed = read(key)
  states[index] = left(closed)
end
return states
