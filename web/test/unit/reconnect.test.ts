import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backOff, herdBackOff, LONGEST_MS, patience, pauseAfter } from '../../src/reconnect.ts';

test('the first attempt is within a second, the second half a second later, each after it up to twice the one before, none above the longest', () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6, 7, 8, 50].map((attempt) => backOff(attempt, 1)), [1000, 500, 1000, 2000, 4000, 8000, 16_000, LONGEST_MS, LONGEST_MS]);
  for (let attempt = 1; attempt < 50; attempt += 1) {
    assert.equal(backOff(attempt, 0), attempt <= 2 ? 0 : backOff(attempt, 1) / 2, 'some come back at once, but not again and again');
    assert.ok(herdBackOff(attempt, 1) <= LONGEST_MS && patience(attempt, 1) <= LONGEST_MS);
  }
});

test('no page asks faster than a gateway lets a session be resumed: six times at once, and once more for every 8 s', () => {
  let at = 0;
  for (let attempt = 1; attempt <= 20; attempt += 1) {
    at += backOff(attempt, 0);
    assert.ok(attempt <= 6 + Math.floor(at / 8000), `attempt ${attempt} comes after ${at} ms`);
  }
});

test('a service with too much to do is left alone for longer', () => {
  assert.equal(herdBackOff(1, 1), 4000);
});

test('pauses by hand double from one second', () => {
  assert.deepEqual([0, 1, 2, 3, 4, 5, 6, 1000].map(pauseAfter), [1000, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
});
