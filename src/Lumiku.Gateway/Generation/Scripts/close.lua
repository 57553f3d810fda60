-- Lets nobody else follow a flight that we lead: its image is there, and whoever asks from now on means another. Who follows goes on.
--
-- KEYS[1]  the flight
-- ARGV[1]  our token
-- ARGV[2]  for how many ms its end is waited for
-- returns  { 1 if it was still ours }

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return { 0 }
end
redis.call('SET', KEYS[1] .. ':' .. ARGV[1], 'landing', 'PX', ARGV[2])
redis.call('DEL', KEYS[1])
return { 1 }
