-- Adds a purge to the list, and tells all replicas to look.
--
-- KEYS[1]  the list: purges ("<root> <mark>") by number; also what the counts of a purge begin with
-- ARGV[1]  the mark
-- ARGV[2]  the number of the purge that it is a part of; 0: it stands by itself
-- ARGV[3]  a number that was used already
-- ARGV[4]  for how many ms it is remembered
-- ARGV[5]  how many are remembered at most
-- ARGV[6]  the channel
-- returns  { its number: the time in microseconds, or more where that would not be the highest }

local function text(value)
  return string.format('%.0f', value)
end

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
local number = math.max(now, tonumber(last or 0) + 1, tonumber(ARGV[3]) + 1)

redis.call('ZADD', KEYS[1], text(number), ARGV[2] .. ' ' .. ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', text(now - ARGV[4] * 1000))
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -ARGV[5] - 1)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('PUBLISH', ARGV[6], text(number))
return { number }
