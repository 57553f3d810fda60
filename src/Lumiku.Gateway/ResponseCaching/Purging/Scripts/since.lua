-- The purges after a number, in their order.
--
-- KEYS[1]  the list
-- ARGV[1]  the number
-- ARGV[2]  how many at most
-- returns  { the time in microseconds, then of each purge its number and "<root> <mark>" }

local time = redis.call('TIME')
local reply = { time[1] * 1000000 + time[2] }
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
for i = 1, #found, 2 do
  reply[#reply + 1] = tonumber(found[i + 1])
  reply[#reply + 1] = found[i]
end
return reply
