-- Deletes what under the owner's keys is none of ours, so that it counts as absent. It stands alone, without owner.lua.
--
-- KEYS[1]     the owner
-- ARGV[1..2]  the running day's and month's ids

local owner = KEYS[1]

local function expect(key, kind)
  local found = redis.call('TYPE', key).ok
  if found ~= 'none' and found ~= kind then
    redis.call('DEL', key)
    return false
  end
  return found == kind
end

expect(owner .. ':slots', 'zset')
expect(owner .. ':lapse', 'zset')
expect(owner .. ':tier', 'string')
expect(owner .. ':charged', 'set')
local numbers = { owner .. ':bucket', owner .. ':d:' .. ARGV[1], owner .. ':m:' .. ARGV[2] }
if expect(owner .. ':reserved', 'hash') then
  -- What is settled or lapses counts in the periods that it was reserved in.
  for _, value in ipairs(redis.call('HVALS', owner .. ':reserved')) do
    local its_day, its_month = string.match(value, '^%d+ (%-?%d+) (%-?%d+)$')
    if its_day then
      table.insert(numbers, owner .. ':d:' .. its_day)
      table.insert(numbers, owner .. ':m:' .. its_month)
    end
  end
end
for _, key in ipairs(numbers) do
  if expect(key, 'hash') then
    for _, value in ipairs(redis.call('HVALS', key)) do
      if not string.match(value, '^%-?%d+$') then
        redis.call('DEL', key)
        break
      end
    end
  end
end
return { 0 }
