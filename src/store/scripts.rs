//! What Redis does in one step, in its own language.
//!
//! Owns the scripts and nothing around them. Every key of a store has the same hash tag, so that a script finds them all on
//! one node.

/// One step of a session, and with it the use of a name.
///
/// KEYS: the entry, the name, when the store began. ARGV: the entry as it was read, as it shall be (empty: as it is), its
/// seconds to live, the name's seconds to live (empty: none is used), now, when the name was made, and the seconds in which
/// clocks may differ. Answers `done`, `moved` where the entry is another by now, `used`, or `early` where the name is so
/// old that a store that lost its memory may have seen it used.
pub(super) const STEP: &str = r"
local born = redis.call('GET', KEYS[3])
if not born then
  redis.call('SET', KEYS[3], ARGV[5])
  born = ARGV[5]
end
if ARGV[4] ~= '' and tonumber(ARGV[6]) <= tonumber(born) + tonumber(ARGV[7]) then return 'early' end
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 'moved' end
if ARGV[4] ~= '' and not redis.call('SET', KEYS[2], '1', 'NX', 'EX', ARGV[4]) then return 'used' end
if ARGV[2] ~= '' then redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end
return 'done'
";

/// Counts a connection against its guest's and its subject's limit, and lists it. A gateway whose lease ended counts no
/// more, and a session's own earlier connection does not count against it.
///
/// KEYS: the guest's connections, the subject's, the gateway's. ARGV: session, its gateway and generation, both limits, what
/// leases are called, what the list says of it, seconds to live. Answers `in`, `guest` or `subject`.
pub(super) const ENTER: &str = r"
local alive = {}
local function others(key)
  local count, all = 0, redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    local gate = string.match(all[i + 1], '^[^ ]*')
    if alive[gate] == nil then alive[gate] = redis.call('EXISTS', ARGV[5] .. gate) == 1 end
    if not alive[gate] then redis.call('HDEL', key, all[i])
    elseif all[i] ~= ARGV[1] then count = count + 1 end
  end
  return count
end
if others(KEYS[1]) >= tonumber(ARGV[3]) then return 'guest' end
if others(KEYS[2]) >= tonumber(ARGV[4]) then return 'subject' end
for i = 1, 2 do
  redis.call('HSET', KEYS[i], ARGV[1], ARGV[2])
  redis.call('EXPIRE', KEYS[i], ARGV[7])
end
redis.call('HSET', KEYS[3], ARGV[1], ARGV[6])
return 'in'
";

/// Undoes [`ENTER`], where no later connection of the session took its place. KEYS and ARGV: the first of its own.
pub(super) const LEAVE: &str = r"
for i = 1, 2 do
  if redis.call('HGET', KEYS[i], ARGV[1]) == ARGV[2] then redis.call('HDEL', KEYS[i], ARGV[1]) end
end
redis.call('HDEL', KEYS[3], ARGV[1])
return 'out'
";
