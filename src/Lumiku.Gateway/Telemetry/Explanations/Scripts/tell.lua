-- Adds a story to those of one request id, which callers choose and may use again.
--
-- KEYS[1]  a hash: for each sender its stories, newest first, a line each
-- ARGV[1]  the sender, hashed
-- ARGV[2]  the story, in one line
-- ARGV[3]  for how many ms it is kept
-- ARGV[4]  the most stories of one sender; the oldest goes
-- ARGV[5]  the most senders; one more is not taken, so that nobody pushes another's out
-- returns  { 1 if it was taken else 0 }

local known = redis.call('HGET', KEYS[1], ARGV[1])
if not known and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[5]) then
  return { 0 }
end

local stories, count = ARGV[2], 1
for story in string.gmatch(known or '', '[^\n]+') do
  if count == tonumber(ARGV[4]) then
    break
  end
  stories, count = stories .. '\n' .. story, count + 1
end

redis.call('HSET', KEYS[1], ARGV[1], stories)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return { 1 }
