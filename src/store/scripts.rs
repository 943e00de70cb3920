//! What Redis does in one step, in its own language.
//!
//! Owns the scripts and nothing around them. Every key of a store has the same hash tag, so that a script finds them all on
//! one node.

/// A script that knows which run of Redis it is of, and since when that remembers: `run` and `since`.
///
/// A store that was started again, from a snapshot or from nothing, and one that took the place of another that failed, is of
/// another run, and may have lost some of its memory. KEYS, the first: where that is written down.
macro_rules! of_a_run {
    ($rest:literal) => {
        concat!(
            r"
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local of, since = string.match(redis.call('GET', KEYS[1]) or '', '^(%w+) (%d+)$')
if of ~= run then
  since = redis.call('TIME')[1]
  redis.call('SET', KEYS[1], run .. ' ' .. since)
end
",
            $rest
        )
    };
}

/// What is known of a session, and whether later steps of it may have been lost.
///
/// KEYS: the run, the entry. ARGV: the seconds for which a run is young. Answers the entry as it lies there, and `young` where
/// the run is, `whole` where the entry was written in it, or else `old`.
pub(super) const READ: &str = of_a_run!(
    r"
local entry = redis.call('GET', KEYS[2]) or ''
if redis.call('TIME')[1] - since <= tonumber(ARGV[1]) then return {entry, 'young'} end
if string.match(entry, '^%w+') == run then return {entry, 'whole'} end
return {entry, 'old'}
"
);

/// One step of a session, and with it the use of a name.
///
/// KEYS: the run, the entry, the name. ARGV: the entry as it was read, as it shall be (empty: as it is), its seconds to live,
/// the name's seconds to live (empty: none is used), when the name was made, and the seconds in which clocks may differ.
/// Answers `done`, `moved` where the entry is another by now, `used`, or `early` where the name is so old that an earlier run
/// may have seen it used.
pub(super) const STEP: &str = of_a_run!(
    r"
if ARGV[4] ~= '' and tonumber(ARGV[5]) <= tonumber(since) + tonumber(ARGV[6]) then return 'early' end
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[1] then return 'moved' end
if ARGV[4] ~= '' and not redis.call('SET', KEYS[3], '1', 'NX', 'EX', ARGV[4]) then return 'used' end
if ARGV[2] ~= '' then redis.call('SET', KEYS[2], run .. ' ' .. ARGV[2], 'EX', ARGV[3]) end
return 'done'
"
);

/// Counts a connection against its guest's and its subject's limit, and lists it. A gateway whose lease ended counts no
/// more, and a session's own earlier connection does not count against it.
///
/// KEYS: the guest's connections, the subject's, the gateway's. ARGV: session, its gateway and generation, both limits, what
/// leases are called, what the list says of it, seconds to live, seconds of a lease. Answers `in`, `guest` or `subject`.
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
redis.call('EXPIRE', KEYS[3], ARGV[8])
return 'in'
";

/// Undoes [`ENTER`], where no later connection of the session took its place. KEYS and ARGV: the first of its own.
pub(super) const LEAVE: &str = r"
local gate = string.match(ARGV[2], '^[^ ]*')
local later = redis.call('HGET', KEYS[1], ARGV[1])
for i = 1, 2 do
  if redis.call('HGET', KEYS[i], ARGV[1]) == ARGV[2] then redis.call('HDEL', KEYS[i], ARGV[1]) end
end
if not later or later == ARGV[2] or string.match(later, '^[^ ]*') ~= gate then redis.call('HDEL', KEYS[3], ARGV[1]) end
return 'out'
";

/// The run and since when it remembers; and how it chooses what to forget where it may do so before its time, else nothing.
/// KEYS: the run.
pub(super) const SINCE: &str = of_a_run!(
    r"
local memory = redis.call('INFO', 'memory')
local policy = string.match(memory, 'maxmemory_policy:(%S+)') or 'noeviction'
if policy == 'noeviction' or string.match(memory, 'maxmemory:(%d+)') == '0' then policy = '' end
return {run .. ' ' .. since, policy}
"
);

/// Remembers a revocation, and tells it to every gateway that runs where it was not remembered.
///
/// KEYS: the revocations, the news. ARGV: the revocation, until when it means something, now, the news of it, how many news
/// are kept.
pub(super) const REVOKE: &str = r"
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3])
if redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1]) == 1 then
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[5], '*', 'n', ARGV[4])
end
return 'done'
";
