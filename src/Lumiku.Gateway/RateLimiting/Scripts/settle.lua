-- Charges what was used of a reservation and gives back the rest, in the day and month it was made in. A second time changes nothing.
--
-- ARGV[7]  the reservation's id
-- ARGV[8]  units that were used

local units, its_day, its_month = reservation(ARGV[7])
if units then
  local used = number(ARGV[8])
  local has_lapsed = not redis.call('ZSCORE', owner .. ':lapse', ARGV[7])
  for _, key in ipairs({ its_day, its_month }) do
    add(key, 'spent', used)
    if not has_lapsed then
      add(key, 'reserved', -units)
    end
  end
  -- Last, so that what fails can be done again.
  redis.call('ZREM', owner .. ':lapse', ARGV[7])
  redis.call('HDEL', owner .. ':reserved', ARGV[7])
end
return { 0 }
