-- Tells what a replica knows.
--
-- KEYS[1]  a hash: for each replica when it told, in ms by Redis's clock, a space, and what
-- ARGV[1]  the replica
-- ARGV[2]  what it tells
-- ARGV[3]  for how many ms that is kept

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], ARGV[1], string.format('%d ', now) .. ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {}
