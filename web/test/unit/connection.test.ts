import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IDLE, isBrief, step, type Effect, type Event, type State } from '../../src/connection.ts';
import type { Ending } from '../../src/reasons.ts';
import { MOST_ATTEMPTS, SHORTEST_GAP_MS, STEADY_MS } from '../../src/reconnect.ts';

const LOST: Ending = { code: 'connection_lost' };
const STOPPED: Ending = { code: 'guest_stopped', close: 4423 };

/** Runs events through the machine; the dice always show the middle. */
function run(from: State, ...events: Event[]): { state: State; effect: Effect | undefined } {
  let state = from;
  let effect: Effect | undefined;
  for (const event of events) [state, effect] = step(state, event, 0.5);
  return { state, effect };
}

const lost = (at: number, why = LOST, resumable = true): Event => ({ type: 'lost', at, why, resumable });

function connected(at: number): State {
  return run(IDLE, { type: 'start', at }, { type: 'connected', at }).state;
}

test('a token goes through the stages to a screen', () => {
  const started = run(IDLE, { type: 'start', at: 0 });
  assert.deepEqual(started.effect, { do: 'open' });
  const { state } = run(started.state, { type: 'stage', stage: 'socket' }, { type: 'stage', stage: 'screen' }, { type: 'connected', at: 9 });
  assert.deepEqual(state, { name: 'connected', attempt: 0, began: 0, since: 9 });
});

test('a cut is followed by up to 1, then up to 0.5, then 0.5 to 1, 1 to 2 .. 15 to 30 seconds', () => {
  const waits: number[] = [];
  let state = connected(0);
  let at = STEADY_MS;
  for (let n = 0; n < 8; n += 1) {
    const cut = run(state, lost(at));
    assert.ok(cut.state.name === 'reconnecting' && cut.effect?.do === 'sleep');
    waits.push(cut.effect.ms);
    at = cut.state.due;
    ({ state } = run(cut.state, { type: 'due', at }));
  }
  assert.deepEqual(waits, [500, 250, 750, 1500, 3000, 6000, 12_000, 22_500]);
});

test('a connection that does not last does not start the count again', () => {
  const first = run(connected(0), lost(100)).state;
  const second = run(first, { type: 'due', at: 1100 }, { type: 'connected', at: 1200 }, lost(1300)).state;
  assert.ok(second.name === 'reconnecting');
  assert.equal(second.attempt, 2);
  const third = run(second, { type: 'due', at: 4000 }, { type: 'connected', at: 4100 }, lost(4100 + STEADY_MS)).state;
  assert.ok(third.name === 'reconnecting');
  assert.equal(third.attempt, 1);
});

test('attempts end one day, and a button stays', () => {
  let state = connected(0);
  let at = STEADY_MS;
  for (let n = 0; n <= MOST_ATTEMPTS; n += 1) {
    ({ state } = run(state, lost(at)));
    if (state.name !== 'reconnecting') break;
    at = state.due;
    ({ state } = run(state, { type: 'due', at }));
  }
  assert.ok(state.name === 'ended');
  assert.equal(state.again, true);
});

test('a guest that is off is waited for without end', () => {
  let state = connected(0);
  let at = STEADY_MS;
  for (let n = 0; n < 500; n += 1) {
    ({ state } = run(state, lost(at, STOPPED)));
    assert.ok(state.name === 'waiting');
    assert.ok(state.due - at >= 2000 && state.due - at <= 30_000);
    at = state.due;
    ({ state } = run(state, { type: 'due', at }));
    assert.ok(state.name === 'connecting' && state.after?.kind === 'waiting');
  }
  const cut = run(state, lost(at)).state;
  assert.ok(cut.name === 'reconnecting', 'patience with the guest does not use up the attempts of a cut');
  assert.equal(cut.attempt, 1);
});

/** A gateway that is away from 0 to `away`: when each attempt was begun, and how it went out. */
function ride(why: Ending, away: number, resumeMs: number): { tries: number[]; state: State; briefs: boolean[] } {
  const tries: number[] = [];
  const briefs: boolean[] = [];
  let at = 0;
  let ending = why;
  let state = connected(-STEADY_MS);
  while ((state.name === 'connected' || state.name === 'connecting') && tries.length < 100) {
    if (state.name === 'connecting') {
      tries.push(at);
      if (at >= away) return { tries, briefs, state: step(state, { type: 'connected', at }, 0)[0] };
      ending = { code: 'unreachable' };
    }
    [state] = step(state, { type: 'lost', at, why: ending, resumable: true, keepMs: resumeMs }, Math.random());
    briefs.push(isBrief(state));
    if (state.name !== 'reconnecting') break;
    at = state.due;
    [state] = step(state, { type: 'due', at }, Math.random());
  }
  return { tries, briefs, state };
}

for (const [name, why] of [['a drain (1012)', { code: 'restarting', close: 1012 }], ['an abrupt cut (1006)', LOST]] as const) {
  test(`${name} is tried again within a second, then ever later up to 30 s, and for no longer than the session is kept`, () => {
    const first: number[] = [];
    for (let n = 0; n < 500; n += 1) {
      const back = ride(why, 0, 120_000);
      assert.equal(back.state.name, 'connected');
      assert.deepEqual([back.tries.length, back.briefs], [1, [true]], 'one attempt, and a word is all that is said');
      first.push(back.tries[0] ?? NaN);
    }
    assert.ok(first.every((ms) => ms >= 0 && ms <= 1000));
    assert.ok(first.some((ms) => ms < 250) && first.some((ms) => ms > 750), 'spread over all of the second');
    for (let n = 0; n < 500; n += 1) {
      const { tries, state, briefs } = ride(why, Infinity, 120_000);
      tries.reduce((before, at, index) => {
        assert.ok(at - before <= (index === 0 ? 1000 : Math.min(500 * 2 ** (index - 1), 30_000)), `attempt ${index + 1} after ${at - before} ms`);
        return at;
      }, 0);
      assert.deepEqual(briefs.slice(0, 3), [true, true, false]);
      assert.ok(tries.length > 4 && (tries.at(-1) ?? 0) <= 120_000, String(tries));
      assert.ok(state.name === 'ended' && !state.again && state.why.code === 'resume_expired', 'then only a new link helps');
    }
  });
}

test('a new way back counts anew', () => {
  const keepMs = 10_000;
  const cut = (at: number): Event => ({ type: 'lost', at, why: LOST, resumable: true, keepMs });
  const first = run(connected(0), cut(STEADY_MS), { type: 'due', at: STEADY_MS + 9000 }, { type: 'stage', stage: 'socket' }, cut(STEADY_MS + 9500)).state;
  assert.ok(first.name === 'reconnecting');
  const late = run(first, { type: 'due', at: STEADY_MS + 11_000 }, cut(STEADY_MS + 19_000)).state;
  assert.equal(late.name, 'reconnecting', 'of the token that came at 9.5 s');
  const over = run(late, { type: 'due', at: STEADY_MS + 19_400 }, cut(STEADY_MS + 19_600)).state;
  assert.equal(over.name, 'ended');
});

test('without a token in hand nothing is retried', () => {
  const { state, effect } = run(connected(0), lost(50, LOST, false));
  assert.deepEqual(effect, { do: 'close' });
  assert.ok(state.name === 'ended');
  assert.equal(state.again, false);
});

test('a refused token ends it and offers nothing', () => {
  const { state } = run(IDLE, { type: 'start', at: 0 }, lost(10, { code: 'token_expired', close: 4401 }));
  assert.ok(state.name === 'ended');
  assert.equal(state.again, false);
});

test('p10_the_now_key_held_down_makes_no_storm', () => {
  let state = run(connected(0), lost(STEADY_MS), { type: 'due', at: 20_000 }).state;
  let opened = 0;
  for (let at = 20_000; at < 30_000; at += 30) {
    if (state.name === 'connecting') ({ state } = run(state, lost(at)));
    const pressed = run(state, { type: 'now', at });
    state = pressed.state;
    if (pressed.effect?.do === 'open') opened += 1;
    if (state.name === 'reconnecting' && state.due <= at) ({ state } = run(state, { type: 'due', at }));
  }
  assert.ok(opened <= 10_000 / SHORTEST_GAP_MS, `${opened} attempts in ten seconds`);
  assert.ok(opened > 0);
});

test('p10_the_reconnect_button_held_down_backs_off', () => {
  const full: Ending = { code: 'limit_subject', close: 4429 };
  let state = run(IDLE, { type: 'start', at: 0 }, lost(10, full)).state;
  const opened: number[] = [];
  for (let at = 20; at < 60_000; at += 30) {
    if (state.name === 'connecting') ({ state } = run(state, lost(at, full)));
    const due = state.name === 'reconnecting' && at >= state.due;
    const pressed = run(state, due ? { type: 'due', at } : { type: 'again', at });
    state = pressed.state;
    if (pressed.effect?.do === 'open') opened.push(at);
  }
  assert.ok(opened.length >= 4 && opened.length <= 6, `${opened.length} attempts in a minute`);
});

test('waiting is ended early by hand, but only after the shortest gap', () => {
  const waiting = run(connected(0), lost(STEADY_MS, STOPPED)).state;
  assert.ok(waiting.name === 'waiting');
  assert.deepEqual(run(waiting, { type: 'now', at: waiting.began + SHORTEST_GAP_MS }).effect, { do: 'open' });
});

test('the gateway may ask for a longer pause', () => {
  const { effect } = run(IDLE, { type: 'start', at: 0 }, lost(0, { code: 'overloaded', close: 1013, afterMs: 45_000 }));
  assert.deepEqual(effect, { do: 'sleep', ms: 45_000 });
});

test('cancel ends any wait; the button goes when the token has gone', () => {
  const stop: Event = { type: 'stop', why: { code: 'cancelled' }, resumable: true };
  const { state, effect } = run(connected(0), lost(STEADY_MS), stop);
  assert.deepEqual(effect, { do: 'close' });
  assert.ok(state.name === 'ended' && state.again);
  const expired = run(state, { type: 'expired' }).state;
  assert.ok(expired.name === 'ended' && !expired.again);
  assert.equal(run(expired, { type: 'again', at: 99_999 }).effect, undefined);
});

test('late news of an ended attempt changes nothing', () => {
  const ended = run(IDLE, { type: 'stop', why: { code: 'no_token' }, resumable: false }).state;
  for (const event of [lost(5), { type: 'connected', at: 5 }, { type: 'due', at: 5 }, { type: 'stage', stage: 'screen' }] as Event[]) {
    assert.equal(run(ended, event).state, ended);
  }
});

test('a new link starts anew from anywhere', () => {
  for (const from of [connected(0), run(connected(0), lost(5)).state, run(IDLE, lost(5)).state]) {
    const { state, effect } = run(from, { type: 'start', at: 77 });
    assert.deepEqual([state.name, effect], ['connecting', { do: 'open' }]);
  }
});
