-- Looks how a flight that we follow is getting on.
--
-- KEYS[1]  the flight
-- ARGV[1]  the token of who led when we began to follow
-- returns  { 1 if it still leads, how it ended; empty: that is not known, or it died }

return { redis.call('GET', KEYS[1]) == ARGV[1] and 1 or 0, redis.call('GET', KEYS[1] .. ':' .. ARGV[1]) or '' }
