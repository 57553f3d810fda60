-- A replica has done a purge, or a part of it.
--
-- KEYS[1]  the list
-- ARGV[1]  the purge's number
-- ARGV[2]  the replica
-- ARGV[3]  how many images it had in its memory
-- ARGV[4]  for how many ms that is remembered
-- returns  { }

local counts = KEYS[1] .. ':' .. ARGV[1]
redis.call('HINCRBY', counts, ARGV[2], ARGV[3])
redis.call('PEXPIRE', counts, ARGV[4])
return {}
