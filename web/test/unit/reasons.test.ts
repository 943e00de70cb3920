import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fill, wordsFor } from '../../src/messages/catalogue.ts';
import { en } from '../../src/messages/en.ts';
import { CLOSE_OF, fromClose, isCalm, MAY_RETURN, OWN_CODES, planFor, type PublicCode } from '../../src/reasons.ts';

interface Face {
  readonly close: number;
  readonly next: 'STOP' | 'OFFER' | 'RETRY';
}

/** Every face of src/reason/public.rs, by its code. */
function gatewayFaces(): Map<string, Face> {
  const source = readFileSync(join(process.env['CONSOLEGATE_ROOT'] ?? '../..', 'src/reason/public.rs'), 'utf8');
  const body = source.slice(source.indexOf('faces! {\n'));
  const faces = [...body.matchAll(/^ {4}[A-Z0-9_]+ = "(\w+)", (\d+), (\d+), (STOP|OFFER|RETRY),/gm)];
  assert.equal(faces.length, [...body.matchAll(/^ {4}[A-Z0-9_]+ = /gm)].length, 'a face that this test cannot read');
  return new Map(faces.map(([, code, , close, next]) => [code ?? '', { close: Number(close), next: next as Face['next'] }]));
}

test('the page knows every public code of the gateway with its close code', () => {
  const gateway = gatewayFaces();
  assert.ok(gateway.size > 40);
  const closes = [...gateway].map(([code, { close }]) => [code, close] as const);
  assert.deepEqual(new Map(Object.entries(CLOSE_OF).sort()), new Map(closes.sort()));
});

test('the page comes back from exactly what the gateway lets a session come back from', () => {
  const gateway = [...gatewayFaces()].filter(([, { next }]) => next !== 'STOP').map(([code]) => code);
  assert.deepEqual([...MAY_RETURN].sort(), gateway.sort());
  for (const [code, { close, next }] of gatewayFaces()) {
    const plan = planFor({ code, close });
    assert.equal(plan === 'over', next === 'STOP', `${code}: ${plan}`);
    if (next === 'RETRY' && plan === 'offer') assert.ok(['going_away', 'request_timeout'].includes(code), code);
  }
});

test('every code has a title and a detail', () => {
  const codes = [...gatewayFaces().keys(), ...OWN_CODES];
  for (const code of codes) {
    const words = en.reasons[code as PublicCode];
    assert.ok(words, code);
    assert.match(words.title, /^[A-Z].*[^.]$/, code);
    assert.match(words.detail, /^[A-Z].*\.$/, code);
  }
  assert.equal(Object.keys(en.reasons).length, new Set(codes).size);
});

test('the codes of the page that panels are told of are all of them', () => {
  const embed = readFileSync(join(process.env['CONSOLEGATE_ROOT'] ?? '../..', 'EMBED.md'), 'utf8');
  const [, list = ''] = /or of the page: ([^.]*)\./.exec(embed) ?? [];
  assert.deepEqual([...list.matchAll(/`(\w+)`/g)].map(([, code]) => code), [...OWN_CODES]);
});

test('every close code means something, with and without a reason of ours', () => {
  const table = new Map<number, string>();
  const plans = {
    offer: [1000, 1001, 4429],
    herd: [1013],
    over: [1002, 1003, 1007, 1008, 1009, 1011, 4401, 4403, 4404, 4408, 4409, 4410],
    wait: [4423],
    reconnect: [1012, 4502, 4503, 4504, 4508, 1005, 1006],
  };
  for (const [plan, codes] of Object.entries(plans)) for (const code of codes) table.set(code, plan);
  for (const [close, plan] of table) assert.equal(planFor(fromClose(close, '')), plan, String(close));
  for (const close of Object.values(CLOSE_OF)) assert.ok(table.has(close), String(close));
});

test('a machine without a text console is no calm end, though nothing broke', () => {
  assert.equal(isCalm(fromClose(1000, '{"code":"no_terminal"}')), false);
  assert.equal(isCalm(fromClose(1000, '{"code":"guest_ended"}')), true);
});

test('a close reason is read, whatever it is', () => {
  assert.deepEqual(fromClose(4423, '{"code":"guest_locked","ref":"a1"}'), { code: 'guest_locked', close: 4423, ref: 'a1' });
  assert.deepEqual(fromClose(4423, ''), { code: 'guest_stopped', close: 4423 });
  for (const strange of ['[]', 'null', '7', '{"code":7,"ref":{}}', 'proxy says no', '{"code":"cancelled"}']) {
    assert.deepEqual(fromClose(1011, strange), { code: 'internal', close: 1011 }, strange);
  }
  assert.deepEqual(fromClose(1006, ''), { code: 'connection_lost' });
  assert.equal(planFor(fromClose(4999, '')), 'offer');
});

test('a code of a newer gateway is shown in its own words', () => {
  assert.deepEqual(wordsFor(en, { code: 'toString' }), en.unknown);
  assert.deepEqual(wordsFor(en, { code: 'new_one', title: 'T', detail: 'D' }), { title: 'T', detail: 'D' });
  assert.equal(planFor({ code: 'new_one', retryable: true }), 'reconnect');
});

test('values are filled in once and never read as places', () => {
  assert.equal(fill('Screen of {title}', { title: '{title} $& {n}' }), 'Screen of {title} $& {n}');
});
