"""The scripts that read and change a thread's keys, each all at once. They use what Redis 7 and any Valkey have.

KEYS are always fence, index and data of one thread; the first argument is the caller's claim, or empty without one. A claim
that is not below the highest seen becomes the highest seen; one that is below is refused.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from redis.exceptions import NoScriptError

_CLAIM = """
if ARGV[1] ~= '' then
  local held = redis.call('GET', KEYS[1])
  if held and held > ARGV[1] then return redis.error_reply('OVERTAKEN by another worker') end
  if held ~= ARGV[1] then redis.call('SET', KEYS[1], ARGV[1]) end
end
"""


@dataclass(frozen=True)
class Script:
    """A script, which the server knows by its digest once it has seen it."""

    text: str

    async def run(self, redis: Any, keys: list[str], *arguments: bytes | str | int) -> Any:
        """Execute it on a thread's keys."""
        digest = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()
        try:
            return await redis.evalsha(digest, len(keys), *keys, *arguments)
        except NoScriptError:
            return await redis.eval(self.text, len(keys), *keys, *arguments)


# claim, then (how, name, value) each: 'set' replaces, 'add' leaves what is there.
WRITE = Script(
    _CLAIM
    + """
for i = 2, #ARGV, 3 do
  if ARGV[i] == 'set' then redis.call('HSET', KEYS[3], ARGV[i + 1], ARGV[i + 2])
  else redis.call('HSETNX', KEYS[3], ARGV[i + 1], ARGV[i + 2]) end
  redis.call('ZADD', KEYS[2], 0, ARGV[i + 1])
end
return redis.status_reply('OK')
"""
)

# claim, lowest and highest name, how many: gives checkpoints from the newest on, each as a list of names and values: its own,
# those that were written in its step, and the channels of its versions.
READ = Script(
    _CLAIM
    + """
local found = {}
for _, name in ipairs(redis.call('ZREVRANGEBYLEX', KEYS[2], ARGV[3], ARGV[2], 'LIMIT', 0, ARGV[4])) do
  local own = redis.call('HGET', KEYS[3], name)
  if not own then return redis.error_reply('the data of a checkpoint is gone') end
  local entry = {name, own}
  local written = 'w' .. string.sub(name, 2) .. '\\0'
  for _, write in ipairs(redis.call('ZRANGEBYLEX', KEYS[2], '[' .. written, '(' .. written .. '\\255')) do
    entry[#entry + 1] = write
    entry[#entry + 1] = redis.call('HGET', KEYS[3], write)
  end
  local header = cjson.decode(string.sub(own, 1, string.find(own, '\\n', 1, true) - 1))
  for channel, version in pairs(header.versions) do
    local blob = 'b\\0' .. header.namespace .. '\\0' .. channel .. '\\0' .. version
    local value = redis.call('HGET', KEYS[3], blob)
    if value then
      entry[#entry + 1] = blob
      entry[#entry + 1] = value
    end
  end
  found[#found + 1] = entry
end
return found
"""
)

# claim: gives all names, and the first line of each checkpoint's value.
HEADERS = Script(
    _CLAIM
    + """
local names = redis.call('ZRANGE', KEYS[2], 0, -1)
local headers = {}
for _, name in ipairs(names) do
  if string.sub(name, 1, 1) == 'c' then
    local own = redis.call('HGET', KEYS[3], name)
    headers[#headers + 1] = string.sub(own, 1, string.find(own, '\\n', 1, true) - 1)
  end
end
return {names, headers}
"""
)

# claim, names: deletes these.
DROP = Script(
    _CLAIM
    + """
for i = 2, #ARGV do
  redis.call('HDEL', KEYS[3], ARGV[i])
  redis.call('ZREM', KEYS[2], ARGV[i])
end
return redis.status_reply('OK')
"""
)

# claim, seconds: deletes the thread. Its fence stays that long, for a worker that does not know yet.
CLEAR = Script(
    _CLAIM
    + """
redis.call('UNLINK', KEYS[2], KEYS[3])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return redis.status_reply('OK')
"""
)
