-- What every decision about one owner begins with; the decision's own file follows it.
--
-- KEYS[1]     the owner: "<prefix>:limits:1:{<hash>}". All of its keys begin so, and lie in one slot. The 1 is the version of this layout:
--             two releases that differ in it count side by side, without reading each other.
-- ARGV[1]     empty: Redis's own clock counts, so that gateways with skewed clocks count alike. In tests: "<passing time> <wall clock>".
-- ARGV[2..6]  the asking gateway's day (id, start, end) and month (id, end). Empty: the decision needs none.
-- returns     { result, used, pace, running, day: spent, reserved, granted, month: spent, reserved, granted, clock, tier }
--             result -1: the day is another by the clock that counts, which is returned; nothing was done, ask again with that day.
--
-- Times are ticks of 100 ns since 2020-01-01 UTC: whole numbers that Lua's doubles hold exactly until 2048.
-- Keys: :bucket (hash: full, pace, and at: when that was written)   :slots (set of leases by when they lapse)   :tier (text)
--       :d:<id>, :m:<id> (hashes: spent, reserved, granted)   :lapse (set of reservations by when they lapse)
--       :reserved (hash: reservation to "units day month"; what has lapsed stays, as it may be settled late)

local owner = KEYS[1]
local DAY_MS, TICKS_PER_MS, TICKS_PER_MINUTE = 86400000, 10000, 600000000

local function number(value)
  return tonumber(value or 0) or 0
end

-- Lua writes large numbers with an exponent, and so would lose digits. Its zero has a sign, which adding 0 takes off: to Redis "-0" is no number.
local function text(value)
  return string.format('%.0f', value + 0)
end

local now, clock
if ARGV[1] == '' then
  local time = redis.call('TIME')
  now = (time[1] - 1577836800) * 10000000 + time[2] * 10
  clock = now
else
  local passing, wall = string.match(ARGV[1], '(%d+) (%d+)')
  now, clock = tonumber(passing), tonumber(wall)
end

local has_periods = ARGV[2] ~= ''
local day_id, day_start, day_end, month_id, month_end = ARGV[2], number(ARGV[3]), number(ARGV[4]), ARGV[5], number(ARGV[6])
if has_periods and (clock < day_start or clock >= day_end) then
  return { -1, clock }
end

local day, month = owner .. ':d:' .. day_id, owner .. ':m:' .. month_id

-- A period is remembered a day longer than it lasts, for clocks that are set back.
local function expire_with_period(key, period_end)
  redis.call('PEXPIRE', key, math.ceil((period_end - clock) / TICKS_PER_MS) + DAY_MS)
end

-- The most that the key has to live already is kept.
local function live_at_least(key, ms)
  if redis.call('PTTL', key) < ms then
    redis.call('PEXPIRE', key, ms)
  end
end

-- Only where the period is still known: one made now would never expire.
local function add(key, field, units)
  if redis.call('EXISTS', key) == 1 then
    redis.call('HINCRBY', key, field, text(units))
  end
end

local function reservation(id)
  local value = redis.call('HGET', owner .. ':reserved', id)
  if not value then
    return nil
  end
  local units, its_day, its_month = string.match(value, '^(%d+) (%-?%d+) (%-?%d+)$')
  if not units then
    redis.call('HDEL', owner .. ':reserved', id)
    return nil
  end
  return tonumber(units), owner .. ':d:' .. its_day, owner .. ':m:' .. its_month
end

redis.call('ZREMRANGEBYSCORE', owner .. ':slots', '-inf', text(now))
for _, id in ipairs(redis.call('ZRANGEBYSCORE', owner .. ':lapse', '-inf', text(now))) do
  local units, its_day, its_month = reservation(id)
  if units then
    add(its_day, 'reserved', -units)
    add(its_month, 'reserved', -units)
  end
  -- Last, so that what fails can be done again.
  redis.call('ZREM', owner .. ':lapse', id)
end

local function bucket()
  local values = redis.call('HMGET', owner .. ':bucket', 'full', 'pace', 'at')
  local pace = number(values[2])
  -- At any limit a request is back within a minute: a bucket that says otherwise is damaged, and counts as full.
  if not (pace > 0 and pace <= TICKS_PER_MINUTE) then
    return 0, 0
  end
  -- A clock that was set back takes nothing away: what was used when it was written is used now.
  return math.max(0, number(values[1]) - math.max(now, number(values[3]))), pace
end

local function running()
  return redis.call('ZCARD', owner .. ':slots')
end

local function count(key)
  local values = redis.call('HMGET', key, 'spent', 'reserved', 'granted')
  return number(values[1]), number(values[2]), number(values[3])
end

local function report(result)
  local used, pace = bucket()
  local day_spent, day_reserved, day_granted = 0, 0, 0
  local month_spent, month_reserved, month_granted = 0, 0, 0
  if has_periods then
    day_spent, day_reserved, day_granted = count(day)
    month_spent, month_reserved, month_granted = count(month)
  end
  return {
    result, used, pace, running(), day_spent, day_reserved, day_granted, month_spent, month_reserved, month_granted, clock,
    redis.call('GET', owner .. ':tier') or ''
  }
end
