-- Takes a place in requests a minute and, if a lease is named, one of the requests at once; both or neither.
--
-- ARGV[7]   the lease's id; empty: no slot is taken or asked for
-- ARGV[8]   the time in which one request comes back; 0: requests are unlimited
-- ARGV[9]   the most requests in one go
-- ARGV[10]  the most requests at once; -1: unlimited
-- ARGV[11]  how long a slot is held without being renewed
-- ARGV[12]  the tier
-- result    1: requests refuse, 2: concurrency refuses, 3: both; 0: admitted

local lease, interval, size, most, lifetime = ARGV[7], number(ARGV[8]), number(ARGV[9]), number(ARGV[10]), number(ARGV[11])

local used, pace = bucket()
if used == 0 then
  pace = interval
end

local violated = 0
if interval > 0 and used - pace * (size - 1) > 0 then
  violated = 1
end
if lease ~= '' and most >= 0 and running() >= most then
  violated = violated + 2
end

if violated == 0 then
  if interval > 0 then
    -- What another tier's limits took stays as many requests.
    local after = interval + math.ceil(used * interval / pace)
    redis.call('HMSET', owner .. ':bucket', 'full', text(now + after), 'pace', text(interval), 'at', text(now))
    redis.call('PEXPIRE', owner .. ':bucket', math.ceil(after / TICKS_PER_MS) + 1000)
  end
  if lease ~= '' then
    redis.call('ZADD', owner .. ':slots', text(now + lifetime), lease)
    live_at_least(owner .. ':slots', math.ceil(lifetime / TICKS_PER_MS) + 1000)
  end
end

local lives = math.max(redis.call('PTTL', owner .. ':tier'), 600000)
redis.call('SET', owner .. ':tier', ARGV[12], 'PX', lives)
return report(violated)
