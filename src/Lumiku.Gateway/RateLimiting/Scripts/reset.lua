-- Forgets what was used and granted in the running day and month, and fills the bucket. What is under way goes on counting.

for _, key in ipairs({ day, month }) do
  redis.call('HDEL', key, 'spent', 'granted')
end
redis.call('DEL', owner .. ':bucket')
return report(0)
