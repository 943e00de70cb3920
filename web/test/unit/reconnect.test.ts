import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backOff, herdBackOff, LONGEST_MS, patience, pauseAfter } from '../../src/reconnect.ts';

test('jitter is half to one and a half, and never above the longest', () => {
  for (let attempt = 1; attempt < 50; attempt += 1) {
    for (const pace of [backOff, herdBackOff, patience]) {
      const [low, high] = [pace(attempt, 0), pace(attempt, 0.999)];
      assert.ok(low >= 500 && low < high && high <= LONGEST_MS, `${pace.name} ${attempt}: ${low} to ${high}`);
    }
  }
  assert.deepEqual([backOff(1, 0), backOff(1, 1)], [500, 1500]);
});

test('a herd is spread over seconds from the first step', () => {
  assert.ok(herdBackOff(1, 1) - herdBackOff(1, 0) >= 4000);
});

test('pauses by hand double from one second', () => {
  assert.deepEqual([0, 1, 2, 3, 4, 5, 6, 1000].map(pauseAfter), [1000, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
});
