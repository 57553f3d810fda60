-- Reserves units of the day and the month; of both or of neither.
--
-- ARGV[7]   the reservation's id, made by the gateway
-- ARGV[8]   units; 0 always fits
-- ARGV[9]   units a day; -1: unlimited
-- ARGV[10]  units a month; -1: unlimited
-- ARGV[11]  after which time they are given back, if nobody has settled
-- ARGV[12]  the tier
-- result    4: the day refuses, 8: the month refuses, 12: both; 0: reserved

local id, units, per_day, per_month, lapses_after = ARGV[7], number(ARGV[8]), number(ARGV[9]), number(ARGV[10]), number(ARGV[11])

local function fits(key, limit)
  local spent, reserved, granted = count(key)
  return units == 0 or limit < 0 or spent + reserved + units <= limit + granted
end

local violated = 0
if not fits(day, per_day) then
  violated = 4
end
if not fits(month, per_month) then
  violated = violated + 8
end

if violated == 0 then
  redis.call('HINCRBY', day, 'reserved', text(units))
  redis.call('HINCRBY', month, 'reserved', text(units))
  expire_with_period(day, day_end)
  expire_with_period(month, month_end)
  redis.call('HSET', owner .. ':reserved', id, text(units) .. ' ' .. day_id .. ' ' .. month_id)
  redis.call('ZADD', owner .. ':lapse', text(now + lapses_after), id)
  expire_with_period(owner .. ':reserved', month_end)
  expire_with_period(owner .. ':lapse', month_end)
  redis.call('SET', owner .. ':tier', ARGV[12])
  expire_with_period(owner .. ':tier', month_end)
end
return report(violated)
