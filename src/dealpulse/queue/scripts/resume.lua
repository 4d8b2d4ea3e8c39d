-- Take up to a hundred parked jobs of one deal back into line.
-- request: queue, deal. Returns how many are left.
local queue, parked = request.queue, request.queue .. ':parked:' .. request.deal
local popped = call('ZPOPMIN', parked, 100)
for position = 1, #popped, 2 do
  local id = popped[position]
  local row = call('HMGET', record_of(id), 'state', 'due')
  take(queue .. ':parked', id)
  if row[1] == 'parked' then
    call('HSET', record_of(id), 'state', 'waiting')
    put(queue, id, tonumber(popped[position + 1]))
    put(queue .. ':waiting', id, tonumber(row[2]))
    ready[queue] = true
  end
end
flush()
return call('ZCARD', parked)
