import assert from 'node:assert/strict';
import { test } from 'node:test';
import { active, beginIdle, closesIn, leadOf, lookIdle, nextStageIn, stageOf, told } from '../../src/idle.ts';

const MINUTE = 60_000;

test('it is said a minute before the end, of a short limit at half', () => {
  assert.equal(leadOf(15 * MINUTE), MINUTE);
  assert.equal(leadOf(2 * MINUTE), MINUTE);
  assert.equal(leadOf(MINUTE), MINUTE / 2);
  assert.equal(leadOf(10_000), 5000);
});

test('nobody is warned before it is time, and then every second has its look', () => {
  const begun = beginIdle(15 * MINUTE, 1000);
  const early = lookIdle(begun, 1000);
  assert.deepEqual(early, { idle: begun, ms: 14 * MINUTE });
  assert.equal(lookIdle(begun, 14 * MINUTE + 999).idle.warning, false);
  const due = lookIdle(begun, 14 * MINUTE + 1000);
  assert.ok(due.idle.warning);
  assert.equal(closesIn(due.idle, 14 * MINUTE + 1000), MINUTE);
  for (let at = 14 * MINUTE + 1000; at < 16 * MINUTE; at += due.ms) assert.ok(lookIdle(due.idle, at).ms <= 1000);
  assert.equal(closesIn(due.idle, 99 * MINUTE), 0);
});

test('activity puts the end off and takes the warning back', () => {
  const begun = beginIdle(15 * MINUTE, 0);
  const warned = lookIdle(begun, 14 * MINUTE).idle;
  const back = active(warned, 14 * MINUTE + 5);
  assert.deepEqual(back, { limitMs: 15 * MINUTE, last: 14 * MINUTE + 5, warning: false });
  assert.deepEqual(lookIdle(back, 14 * MINUTE + 5), { idle: back, ms: 14 * MINUTE });
});

test('a flood of activity is noted once a second, and always while warned', () => {
  const begun = beginIdle(MINUTE, 0);
  assert.equal(active(begun, 900), begun);
  assert.equal(active(begun, 1000).last, 1000);
  assert.equal(active({ ...begun, warning: true }, 10).warning, false);
});

test('the end of a session is said at 10, 5 and 1 minutes', () => {
  const minutes = [60, 10.1, 10, 7, 5, 4.9, 1, 0.2, 0];
  assert.deepEqual(minutes.map((left) => stageOf(left * MINUTE)), [undefined, undefined, 10, 10, 5, 5, 1, 1, 1]);
  let left = 12 * MINUTE + 345;
  const seen: unknown[] = [];
  for (let n = 0; n < 200 && left > 0; n += 1) {
    left -= nextStageIn(left);
    const { unit, count } = told(left);
    if (n < 11) seen.push(`${count} ${unit}`);
  }
  assert.deepEqual(seen.slice(0, 3), ['10 minute', '9 minute', '8 minute']);
  assert.deepEqual(seen.slice(-2), ['1 minute', '59 second']);
  assert.ok(left <= 0);
});

test('what is left is told in whole minutes and seconds, never as nothing', () => {
  assert.deepEqual(told(10 * MINUTE), { unit: 'minute', count: 10 });
  assert.deepEqual(told(9.2 * MINUTE), { unit: 'minute', count: 10 });
  assert.deepEqual(told(59_900), { unit: 'second', count: 60 });
  assert.deepEqual(told(0), { unit: 'second', count: 1 });
});
