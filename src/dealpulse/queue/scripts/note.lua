-- What a running job tells of itself.
-- request: id, token, percent (-1 = as it was), message, line ('' = none). Returns 1 while the job is the caller's.
local LINES_KEPT = 200
local record = record_of(request.id)
local row = call('HMGET', record, 'token', 'state', 'queue', 'deal')
if row[1] ~= request.token or row[2] ~= 'active' then
  return 0
end
if request.percent >= 0 then
  call('HSET', record, 'progress', request.percent)
end
if request.message ~= '' then
  call('HSET', record, 'message', request.message)
end
if request.line ~= '' then
  append_line(record, 'log', now .. ' ' .. request.line, LINES_KEPT)
end
tell('progress', row[3], request.id, row[4])
flush()
return 1
