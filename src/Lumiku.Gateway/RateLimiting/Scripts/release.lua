-- Frees a slot.
--
-- ARGV[7]  the lease's id

redis.call('ZREM', owner .. ':slots', ARGV[7])
return report(0)
