-- Charges units that a gateway spent while this Redis was away, in the day and month it spent them in. A second time changes nothing.
--
-- ARGV[7]       an id
-- ARGV[8]       units
-- ARGV[9..10]   the day's id, and for how many ms it is remembered from now on; 0 or less: it is over for long
-- ARGV[11..12]  the month's

if redis.call('SISMEMBER', owner .. ':charged', ARGV[7]) == 0 then
  for _, period in ipairs({ { ':d:' .. ARGV[9], number(ARGV[10]) }, { ':m:' .. ARGV[11], number(ARGV[12]) } }) do
    if period[2] > 0 then
      redis.call('HINCRBY', owner .. period[1], 'spent', ARGV[8])
      live_at_least(owner .. period[1], period[2])
    end
  end
  redis.call('SADD', owner .. ':charged', ARGV[7])
end
redis.call('PEXPIRE', owner .. ':charged', DAY_MS)
return { 0 }
