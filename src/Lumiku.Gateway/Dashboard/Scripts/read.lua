-- What the other replicas told last.
--
-- KEYS[1]  as in tell.lua
-- ARGV[1]  the replica that reads
-- ARGV[2]  for how many ms something is kept
-- returns  for each other replica how many ms ago it told, and what

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local told = {}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local at = string.match(all[i + 1], '^%d+ ')
  local age = at and now - tonumber(at)
  if not age or age > tonumber(ARGV[2]) then
    redis.call('HDEL', KEYS[1], all[i])
  elseif all[i] ~= ARGV[1] then
    told[#told + 1] = age
    told[#told + 1] = string.sub(all[i + 1], #at + 1)
  end
end

return told
