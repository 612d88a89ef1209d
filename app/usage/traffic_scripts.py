"""What Redis does in one step for ``traffic``: sorted sets whose scores are milliseconds of Redis's own clock."""

from typing import Final

WELCOME: Final = 0
TOO_FAST: Final = 1
NO_PLACE_LEFT: Final = 2

_NOW: Final = "local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000) "

ENTER: Final = (
    _NOW
    + """
local requests, places = KEYS[1], KEYS[2]
local member, rate, most, place_ms = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
if rate >= 0 then
  redis.call('ZREMRANGEBYSCORE', requests, '-inf', now - 60000)
  local count = redis.call('ZCARD', requests)
  if count >= rate then
    local leaves = redis.call('ZRANGE', requests, count - rate, count - rate, 'WITHSCORES')
    if rate == 0 or not leaves[2] then return {1, 60000} end
    return {1, math.max(1, leaves[2] + 60000 - now)}
  end
end
if place_ms > 0 then
  redis.call('ZREMRANGEBYSCORE', places, '-inf', now)
  if most >= 0 and redis.call('ZCARD', places) >= most then return {2, 0} end
  redis.call('ZADD', places, now + place_ms, member)
  redis.call('PEXPIRE', places, place_ms)
end
if rate >= 0 then
  redis.call('ZADD', requests, now, member)
  redis.call('PEXPIRE', requests, 60000)
end
return {0, 0}
"""
)
"""KEYS: requests, places. ARGV: member, limit a minute, limit of places (-1: none), milliseconds a place is held.

Replies a verdict and, for TOO_FAST, the milliseconds until the next request may come.
"""

REFRESH: Final = (
    _NOW
    + """
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
"""
)
"""KEYS: places. ARGV: milliseconds they are held anew, then their members; what Redis forgot is there again."""

COUNT: Final = (
    _NOW
    + """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
return redis.call('ZCARD', KEYS[1])
"""
)
"""KEYS: places. Replies how many are held."""
