-- Tells how a replica is; for one that asks, asks the others to, and returns what they told last.
--
-- KEYS[1]  a hash: for each replica when it told, in ms by Redis's clock, a space, and what
-- ARGV[1]  the replica
-- ARGV[2]  what it tells
-- ARGV[3]  for how many ms that is kept
-- ARGV[4]  the channel on which the others are asked; empty: they are not
-- returns  for each replica how many ms ago it told, and what; nothing for one that does not ask

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], ARGV[1], string.format('%d %s', now, ARGV[2]))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
if ARGV[4] == '' then
  return {}
end

redis.call('PUBLISH', ARGV[4], ARGV[1])
local told = {}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local at, sample = string.match(all[i + 1], '^(%d+) (.*)$')
  local age = now - tonumber(at)
  if age > tonumber(ARGV[3]) then
    redis.call('HDEL', KEYS[1], all[i])
  else
    told[#told + 1] = age
    told[#told + 1] = sample
  end
end

return told
