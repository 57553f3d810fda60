-- Tells all replicas that an image was kept for everybody, so that they drop another one that they have under its key.
--
-- KEYS[1]  the image's manifest; it is not touched
-- ARGV[1]  the channel
-- ARGV[2]  what is told there: the cache key and the ETag
-- returns  { 1 }

redis.call('PUBLISH', ARGV[1], ARGV[2])
return { 1 }
