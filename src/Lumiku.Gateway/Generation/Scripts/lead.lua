-- Takes the lead of a generation, unless another replica has it.
--
-- KEYS[1]  the flight: "<prefix>:flight:1:{<cache key>}"; holds the token of the replica that leads
-- ARGV[1]  our token
-- ARGV[2]  for how many ms the lead is held without being renewed
-- returns  { 1 if we lead, the token of who leads }

-- What never lapses is none of ours.
if redis.call('PTTL', KEYS[1]) == -1 then
  redis.call('DEL', KEYS[1])
end
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return { 1, ARGV[1] }
end
return { 0, redis.call('GET', KEYS[1]) }
