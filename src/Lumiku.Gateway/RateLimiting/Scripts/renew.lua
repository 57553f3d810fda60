-- Holds slots anew, those that have lapsed too: their requests are under way.
--
-- ARGV[7]     how long they are held
-- ARGV[8..]   the leases' ids

local lifetime = number(ARGV[7])
for i = 8, #ARGV do
  redis.call('ZADD', owner .. ':slots', text(now + lifetime), ARGV[i])
end
live_at_least(owner .. ':slots', math.ceil(lifetime / TICKS_PER_MS) + 1000)
return { 0 }
