-- Take notices of alerts that are due: whoever takes one has its lease, after which it is due again.
-- request: lease (ms, doubled with each attempt), most, kept (ms after which one is given up).
-- Returns, as MessagePack, a list of {id, channel, what, since, attempt, alert}. Of one alert and channel they come in order.
local UNSENT = 'dealpulse:alerts:unsent'
local waiting, taken, blocked = {}, {}, {}
local rows = call('HGETALL', UNSENT)
for position = 1, #rows, 2 do
  waiting[#waiting + 1] = {rows[position], cmsgpack.unpack(rows[position + 1])}
end
table.sort(waiting, function(one, other)
  return one[2][7] < other[2][7]
end)
for _, row in ipairs(waiting) do
  local id, notice = row[1], row[2]
  local about = notice[1] .. ' ' .. notice[6][1]
  if now - notice[3] > request.kept then
    call('HDEL', UNSENT, id)
  elseif not blocked[about] then
    blocked[about] = true
    if notice[5] <= now and #taken < request.most then
      notice[4] = notice[4] + 1
      notice[5] = now + request.lease * 2 ^ math.min(notice[4] - 1, 6)
      call('HSET', UNSENT, id, cmsgpack.pack(notice))
      taken[#taken + 1] = {id, notice[1], notice[2], notice[3], notice[4], notice[6]}
    end
  end
end
return cmsgpack.pack(taken)
