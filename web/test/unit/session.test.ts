import assert from 'node:assert/strict';
import { test } from 'node:test';
import { looksOf, takeToken } from '../../src/address.ts';
import { granted, isConnectToken, openSession } from '../../src/session.ts';
import { Chord } from '../../src/ui/release.ts';

const BASE = new URL('https://gate.example/console');
const GOOD = {
  session: 's',
  websocket: 'wss://elsewhere.example/v1/ws?x=1',
  ticket: 't.1',
  resume: 'r',
  resume_seconds: 120,
  console: { kind: 'qemu', protocol: 'vnc', rights: ['input'], title: '<b>', lang: 7 },
};

test('p04_a_session_is_opened_on_the_own_host_alone', () => {
  const answer = granted(GOOD, BASE);
  assert.ok('opened' in answer);
  assert.equal(answer.opened.path, '/v1/ws?x=1');
  for (const websocket of ['https://gate.example//evil.example/v1/ws', '/.//evil.example/v1/ws']) {
    assert.deepEqual(granted({ ...GOOD, websocket }, BASE), { ending: { code: 'bad_answer' } }, websocket);
  }
  assert.equal(answer.opened.console.title, '<b>');
  assert.equal(answer.opened.console.lang, null);
  assert.equal(answer.opened.resumeMs, 120_000);
});

test('an answer that is not one is refused', () => {
  const strange = [null, [], 'x', {}, { ...GOOD, ticket: 'a, b' }, { ...GOOD, console: null }, { ...GOOD, resume: 7 }, { ...GOOD, websocket: 'http://[' }];
  for (const body of strange) assert.deepEqual(granted(body, BASE), { ending: { code: 'bad_answer' } }, JSON.stringify(body));
});

test('what cannot be a token is not sent', async () => {
  for (const token of ['', 'a b', 'a\r\nx: y', 'ä', 'a'.repeat(9000)]) {
    const answer = await openSession(new URL('http://127.0.0.1:1/'), token, new AbortController().signal);
    assert.ok('ending' in answer);
    assert.equal(answer.ending.code, 'token_rejected');
  }
});

test('a link holds three parts with a signature, or no token', () => {
  for (const token of ['eyJh.eyJp.c2ln', 'A-_9.b.c']) assert.ok(isConnectToken(token), token);
  const strange = ['', 'garbage', 'a.b', 'a.b.', '.b.c', 'a..c', 'a.b.c.d', 'a.b.c=', 'a.b.c\n', 'a.b%2e.c', 'ä.b.c', 'a b.c.d', `a.b.${'c'.repeat(8192)}`];
  for (const token of strange) assert.ok(!isConnectToken(token), token);
});

test('p02_the_token_leaves_the_address_at_once', () => {
  const replaced: string[] = [];
  const history = { replaceState: (_: unknown, __: string, url: string) => void replaced.push(url) } as unknown as History;
  const location = { hash: '#a.b.c', pathname: '/console', search: '?theme=dark' } as Location;
  assert.equal(takeToken(location, history), 'a.b.c');
  assert.deepEqual(replaced, ['/console?theme=dark']);
  assert.equal(takeToken({ ...location, hash: '' }, history), undefined);
});

test('p04_only_looks_are_read_from_the_query', () => {
  assert.deepEqual(looksOf('?host=evil&path=wss://evil&password=x&encrypt=0&theme=pink&scale=9&toolbar=no', true), {
    theme: 'auto',
    scale: 'fit',
    toolbar: true,
  });
  assert.deepEqual(looksOf('?theme=dark&scale=remote&toolbar=off&lang=de', true), { theme: 'dark', scale: 'remote', toolbar: false, lang: 'de' });
  assert.equal(looksOf('?toolbar=off', false).toolbar, true, 'nobody is left in a window without a bar by a link');
});

test('the keyboard is released by Ctrl, Alt and Shift alone, when all are up again', () => {
  const chord = new Chord();
  const play = (...keys: string[]): boolean => keys.map((key) => (key.startsWith('-') ? chord.release(key.slice(1)) : (chord.press(key), false))).includes(true);
  assert.equal(play('ControlLeft', 'AltLeft', 'ShiftRight', '-AltLeft', '-ControlLeft', '-ShiftRight'), true);
  assert.equal(play('ControlLeft', 'AltLeft', '-AltLeft', '-ControlLeft'), false);
  assert.equal(play('ControlLeft', 'AltLeft', 'ShiftLeft', 'F1', '-F1', '-ShiftLeft', '-AltLeft', '-ControlLeft'), false);
  assert.equal(play('ShiftLeft', '-ShiftLeft', 'ControlRight', 'ShiftLeft', 'AltRight', '-ControlRight', '-ShiftLeft', '-AltRight'), true);
});
