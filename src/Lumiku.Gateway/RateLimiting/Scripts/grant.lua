-- Adds to what the owner may use in the running day and month.
--
-- ARGV[7]  units; a negative number takes them away

redis.call('HINCRBY', day, 'granted', ARGV[7])
redis.call('HINCRBY', month, 'granted', ARGV[7])
expire_with_period(day, day_end)
expire_with_period(month, month_end)
return report(0)
