-- Holds the lead on.
--
-- KEYS[1]  the flight
-- ARGV[1]  our token
-- ARGV[2]  for how many ms
-- returns  { 1 if it is still ours }

if redis.call('GET', KEYS[1]) == ARGV[1] then
  return { redis.call('PEXPIRE', KEYS[1], ARGV[2]) }
end
return { 0 }
