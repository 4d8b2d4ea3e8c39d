-- Judge alerts: what is found for as long as it must be fires, what fired and is found no more clears, each once.
-- request: found = list of {key, rule, hold (ms), told (JSON)}, judged = rules that were looked at, channels.
-- Returns, as MessagePack, {fired, cleared}: lists of {key, rule, since, fired at, told}.
local ALERTS, UNSENT, NUMBER = 'dealpulse:alerts', 'dealpulse:alerts:unsent', 'dealpulse:alerts:notices'
local fired, cleared, found, judged = {}, {}, {}, {}
for _, rule in ipairs(request.judged) do
  judged[rule] = true
end

-- One notice a channel, to be sent by whoever takes it.
local function notify(what, alert)
  for _, channel in ipairs(request.channels) do
    -- Numbered: of one moment they keep their order.
    local number = call('INCR', NUMBER)
    call('HSET', UNSENT, number .. ' ' .. channel, cmsgpack.pack({channel, what, now, 0, now, alert, number}))
  end
end

for _, condition in ipairs(request.found) do
  found[condition.key] = true
  local known = call('HGET', ALERTS, condition.key)
  local alert = known and cmsgpack.unpack(known) or {condition.key, condition.rule, now, 0, ''}
  alert[5] = condition.told
  if alert[4] == 0 and now - alert[3] >= condition.hold then
    alert[4] = now
    fired[#fired + 1] = alert
    notify('fired', alert)
  end
  call('HSET', ALERTS, condition.key, cmsgpack.pack(alert))
end

local known = call('HGETALL', ALERTS)
for position = 1, #known, 2 do
  local alert = cmsgpack.unpack(known[position + 1])
  if judged[alert[2]] and not found[alert[1]] then
    call('HDEL', ALERTS, alert[1])
    if alert[4] > 0 then
      cleared[#cleared + 1] = alert
      notify('cleared', alert)
    end
  end
end
return cmsgpack.pack({fired, cleared})
