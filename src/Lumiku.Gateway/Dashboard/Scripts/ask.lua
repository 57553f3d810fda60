-- Asks the other replicas to tell.
--
-- KEYS[1]  where they tell
-- ARGV[1]  the channel on which they listen
-- ARGV[2]  the replica that asks

redis.call('PUBLISH', ARGV[1], ARGV[2])
return {}
