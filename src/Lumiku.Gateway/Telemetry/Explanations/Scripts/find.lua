-- Finds the stories of one request id.
--
-- KEYS[1]  a hash: for each sender its stories, newest first, a line each
-- ARGV[1]  the sender, hashed; empty: all of them
-- returns  for each sender its lines

if ARGV[1] == '' then
  return redis.call('HVALS', KEYS[1])
end

local found = redis.call('HGET', KEYS[1], ARGV[1])
return found and { found } or {}
