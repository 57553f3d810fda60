-- Which replicas have done a purge.
--
-- KEYS[1]  the list
-- ARGV[1]  the purge's number
-- returns  { how many replicas, how many images they had in their memories }

local images, replicas = 0, redis.call('HVALS', KEYS[1] .. ':' .. ARGV[1])
for _, had in ipairs(replicas) do
  images = images + had
end
return { #replicas, images }
