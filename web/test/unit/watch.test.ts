import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IDLE, step, type Effect, type Event, type State } from '../../src/connection.ts';
import { guestOf } from '../../src/guest.ts';
import { CLOSE_OF } from '../../src/reasons.ts';
import { CALM_MS, LONGEST_MS, SHORTEST_GAP_MS, vigil } from '../../src/reconnect.ts';
import type { Guest } from '../../src/watch.ts';

const KEEP_MS = 120_000;
const CUT = 50_000;

type Waiting = Extract<State, { name: 'reconnecting' | 'waiting' }>;

function run(from: State, ...events: Event[]): { state: State; effect: Effect | undefined } {
  let state = from;
  let effect: Effect | undefined;
  for (const event of events) [state, effect] = step(state, event, 0.5);
  return { state, effect };
}

const cut = (at: number, code = 'guest_stopped', close = 4423, more = {}): Event => ({
  type: 'lost',
  at,
  why: { code, close, ref: 'r1' },
  resumable: true,
  keepMs: KEEP_MS,
  watched: true,
  ...more,
});

const said = (guest: Guest, at: number): Event => ({ type: 'guest', guest, at });

function waiting(...events: Event[]): Waiting {
  const { state } = run(IDLE, { type: 'start', at: 0 }, { type: 'connected', at: 10 }, cut(CUT), ...events);
  assert.ok(state.name === 'waiting', state.name);
  return state;
}

test('a machine that is off is asked after, more and more rarely, and no attempt is made', () => {
  let state = waiting();
  let at = CUT;
  const gaps: number[] = [];
  while (state.due < CUT + KEEP_MS * 0.4) {
    gaps.push(state.due - at);
    at = state.due;
    const asked = run(state, { type: 'due', at });
    assert.deepEqual(asked.effect, { do: 'ask' });
    const next = run(asked.state, said('stopped', at)).state;
    assert.ok(next.name === 'waiting');
    state = next;
  }
  assert.ok(gaps.length >= 5, String(gaps));
  assert.deepEqual(gaps, [...gaps].sort((a, b) => a - b));
});

test('questions come after 2 to 5 seconds, later after 6 to 15', () => {
  for (const dice of [0, 0.5, 1]) {
    assert.ok(vigil(0, dice) >= 2000 && vigil(0, dice) <= 5000);
    assert.ok(vigil(50, dice) >= 6000 && vigil(50, dice) <= 15_000);
  }
  assert.notEqual(vigil(3, 0.2), vigil(3, 0.8), 'jitter');
});

test('a machine that runs again is connected to at once', () => {
  const { due } = waiting();
  const { state, effect } = run(waiting(), { type: 'due', at: due }, said('running', due + 40));
  assert.deepEqual(effect, { do: 'open' });
  assert.ok(state.name === 'connecting' && state.after?.kind === 'waiting');
});

test('an attempt is made before the way back is lost, however long the machine is off', () => {
  let state: State = waiting();
  let last = CUT;
  let at = CUT;
  for (let n = 0; n < 400 && at < CUT + 3_600_000; n += 1) {
    assert.ok(state.name === 'waiting');
    at = state.due;
    const due = run(state, { type: 'due', at });
    if (due.effect?.do === 'ask') {
      ({ state } = run(due.state, said('stopped', at)));
      continue;
    }
    assert.deepEqual(due.effect, { do: 'open' });
    assert.ok(at - last <= KEEP_MS / 2, `renewed after ${at - last} ms`);
    last = at;
    ({ state } = run(due.state, cut(at + 100)));
  }
  assert.ok(at > CUT + 3_000_000);
});

test('nothing is asked while the page is hidden, but the way back is kept', () => {
  const state = waiting();
  const asleep = run(state, { type: 'due', at: state.due, hidden: true });
  assert.ok(asleep.effect?.do === 'sleep' && asleep.state.name === 'waiting');
  assert.ok(asleep.state.due - CUT <= KEEP_MS / 2);
  const back = run(asleep.state, { type: 'now', at: state.due + 9000 });
  assert.deepEqual(back.effect, { do: 'ask' });
  assert.deepEqual(run(asleep.state, { type: 'due', at: asleep.state.due, hidden: true }).effect, { do: 'open' });
});

test('p10_checking_by_hand_asks_no_faster_than_the_shortest_gap', () => {
  let state: State = waiting();
  let asked = 0;
  for (let at = CUT; at < CUT + 10_000; at += 30) {
    const pressed = run(state, { type: 'now', at });
    state = pressed.state;
    if (pressed.effect?.do === 'ask') {
      asked += 1;
      ({ state } = run(state, said('stopped', at)));
    }
  }
  assert.ok(asked >= 3 && asked <= 10_000 / SHORTEST_GAP_MS, `${asked} questions`);
});

test('what the machine is doing is told with the reference of the cut', () => {
  const codes: Partial<Record<Guest, string>> = {
    stopped: 'guest_stopped',
    locked: 'guest_locked',
    migrating: 'guest_migrating',
    missing: 'guest_not_found',
    unreachable: 'host_unreachable',
    mute: 'guest_stopped',
  };
  const { due } = waiting();
  for (const [guest, code] of Object.entries(codes)) {
    const { why } = waiting({ type: 'due', at: due }, said(guest as Guest, due + 9));
    assert.equal(why.code, code);
    assert.equal(why.ref, 'r1');
  }
});

test('a session that can never come back ends it, with the better of two reasons', () => {
  const { due } = waiting();
  const over = run(waiting({ type: 'due', at: due }), said('over', due + 9));
  assert.deepEqual(over.effect, { do: 'close' });
  assert.ok(over.state.name === 'ended' && !over.state.again && over.state.why.code === 'resume_expired');
  const missing = waiting({ type: 'due', at: due }, said('missing', due + 9));
  const { state } = run(missing, { type: 'due', at: missing.due }, said('over', missing.due));
  assert.ok(state.name === 'ended' && !state.again && state.why.code === 'guest_not_found');
});

test('a machine that is nowhere is not waited for: the gateway has ended its session', () => {
  const { state, effect } = run(IDLE, { type: 'start', at: 0 }, cut(50, 'guest_not_found', 4404));
  assert.ok(state.name === 'ended' && !state.again && state.why.code === 'guest_not_found');
  assert.deepEqual(effect, { do: 'close' });
});

test('an attempt that is refused while the machine is missing says so, not that it is too late', () => {
  const { due, watch } = waiting();
  const missing = waiting({ type: 'due', at: due }, said('missing', due + 9));
  assert.ok(watch && missing.watch);
  for (const code of ['resume_expired', 'token_rejected', 'token_used', 'token_before_start'] as const) {
    const { state } = run(missing, { type: 'due', at: missing.watch.keepBy }, cut(missing.watch.keepBy + 20, code, CLOSE_OF[code]));
    assert.ok(state.name === 'ended' && !state.again && state.why.code === 'guest_not_found', code);
  }
});

test('an older gateway that cannot be asked is tried instead', () => {
  const { due } = waiting();
  const { state, effect } = run(waiting({ type: 'due', at: due }), said('unoffered', due + 9));
  assert.ok(effect?.do === 'sleep' && state.name === 'waiting' && state.watch === undefined);
  assert.deepEqual(run(state, { type: 'due', at: state.due }).effect, { do: 'open' });
});

test('a late answer, or one to nobody, changes nothing', () => {
  const state = waiting();
  assert.equal(run(state, said('running', state.due)).state, state);
  const { state: cancelled } = run(state, { type: 'due', at: state.due }, { type: 'stop', why: { code: 'cancelled' }, resumable: true });
  assert.equal(run(cancelled, said('running', state.due)).state, cancelled);
});

test('a cut that nobody sees is mended calmly, but before the way back is lost', () => {
  const away = run(IDLE, { type: 'start', at: 0 }, { type: 'connected', at: 10 }, cut(CUT, 'connection_lost', 0, { hidden: true }));
  assert.deepEqual(away.effect, { do: 'sleep', ms: CALM_MS });
  const brief = run(IDLE, { type: 'start', at: 0 }, { type: 'connected', at: 10 }, cut(CUT, 'too_slow', 4508, { hidden: true, keepMs: 8000 }));
  assert.deepEqual(brief.effect, { do: 'sleep', ms: 2000 });
  assert.deepEqual(run(away.state, { type: 'now', at: CUT + 3000 }).effect, { do: 'open' }, 'seen again');
  assert.ok(CALM_MS < LONGEST_MS);
});

test('only the states that are known are believed', () => {
  assert.equal(guestOf({ state: 'migrating' }), 'migrating');
  for (const strange of [null, 7, 'running', {}, { state: 'over' }, { state: ['running'] }, { state: 'paused' }]) {
    assert.equal(guestOf(strange), 'mute', JSON.stringify(strange));
  }
});
