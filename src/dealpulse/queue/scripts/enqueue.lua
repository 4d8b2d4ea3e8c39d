-- Enqueue up to a thousand jobs on any queues: all of them or none.
-- request: items; batch {id, callback} or nil. Returns per item: 1 new, 0 waiting or running already; or the name of a
-- batch that has ended.
if request.batch then
  local key = 'dealpulse:batch:' .. request.batch.id
  if call('HEXISTS', key, 'fired') == 1 then
    return redis.error_reply('BATCHENDED ' .. request.batch.id)
  end
  if request.batch.callback then
    call('HSETNX', key, 'callback', cmsgpack.pack(request.batch.callback))
    call('HSETNX', key, 'created', now)
  end
end
local added = {}
for position, item in ipairs(request.items) do
  added[position] = add(item.queue, item)
end
flush()
return added
