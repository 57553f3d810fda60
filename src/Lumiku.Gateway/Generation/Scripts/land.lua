-- Ends a flight that we lead, and tells those who follow. One that is led by another by now is left alone.
--
-- KEYS[1]  the flight
-- ARGV[1]  our token
-- ARGV[2]  how it ended, for who followed us; empty: without a result, so that another may lead
-- ARGV[3]  for how many ms that is kept
-- ARGV[4]  the channel
-- ARGV[5]  what is told there: the cache key
-- returns  { 1 if it was still ours }

if ARGV[2] ~= '' then
  redis.call('SET', KEYS[1] .. ':' .. ARGV[1], ARGV[2], 'PX', ARGV[3])
end
local is_ours = redis.call('GET', KEYS[1]) == ARGV[1]
if is_ours then
  redis.call('DEL', KEYS[1])
end
redis.call('PUBLISH', ARGV[4], ARGV[5])
return { is_ours and 1 or 0 }
