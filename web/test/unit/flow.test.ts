import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { encode } from '../../src/terminal/framing.ts';
import { Inflow } from '../../src/terminal/inflow.ts';
import { Outbox } from '../../src/terminal/outbox.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** A WebSocket whose network takes nothing until it is told to. */
class Slow {
  readyState = 1;
  bufferedAmount = 0;
  readonly sent: Buffer[] = [];

  send(message: Uint8Array): void {
    this.bufferedAmount += message.length;
    this.sent.push(Buffer.from(message));
  }

  get bytes(): number {
    return this.sent.reduce((sum, message) => sum + message.length, 0);
  }
}

test('x07_a_large_paste_waits_for_the_network_and_keeps_its_place', (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const channel = new Slow();
  const outbox = new Outbox(channel);
  const paste = encode('€'.repeat(MIB / 2));
  outbox.input(paste);
  outbox.input(encode('typed later'));
  assert.ok(channel.bytes < 512 * KIB, `${channel.bytes} bytes at once`);
  for (let tick = 0; tick < 100 && channel.sent.at(-1)?.toString() !== '0:11:typed later'; tick += 1) {
    channel.bufferedAmount = 0;
    mock.timers.tick(15);
    assert.ok(channel.bufferedAmount < 512 * KIB);
  }
  const input = Buffer.concat(channel.sent.map((message) => message.subarray(message.indexOf(':', 2) + 1)));
  assert.ok(input.equals(Buffer.concat([paste, Buffer.from('typed later')])));
});

test('a size does not wait behind a paste, and nothing is said on a closed channel', (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const channel = new Slow();
  const outbox = new Outbox(channel);
  outbox.input(encode('a'.repeat(MIB)));
  outbox.now(encode('1:80:24:'));
  assert.equal(channel.sent.at(-1)?.toString(), '1:80:24:');
  const before = channel.sent.length;
  channel.readyState = 3;
  channel.bufferedAmount = 0;
  outbox.now(encode('2'));
  mock.timers.tick(1000);
  outbox.input(encode('x'));
  assert.equal(channel.sent.length, before);
});

test('input before the channel is open is sent when it is', (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const channel = new Slow();
  channel.readyState = 0;
  const outbox = new Outbox(channel);
  outbox.input(encode('early'));
  assert.equal(channel.sent.length, 0);
  channel.readyState = 1;
  mock.timers.tick(15);
  assert.equal(channel.sent.join(), '0:5:early');
});

test('answers to a flood of questions are one message a turn, and bounded', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const channel = new Slow();
  const outbox = new Outbox(channel);
  const flood = async (): Promise<void> => {
    for (let n = 0; n < 100_000; n += 1) outbox.answer(encode('\x1b[?1;2c'));
    await Promise.resolve();
  };
  await flood();
  assert.equal(channel.sent.length, 1);
  assert.ok(channel.bytes < 5 * KIB, `${channel.bytes} bytes`);
  channel.bufferedAmount = MIB;
  for (let n = 0; n < 10; n += 1) await flood();
  outbox.input(encode('typed'));
  assert.equal(channel.sent.length, 1, 'the network takes nothing');
  channel.bufferedAmount = 0;
  mock.timers.tick(15);
  assert.equal(channel.sent.length, 2);
  assert.ok(channel.bytes < 10 * KIB, `${channel.bytes} bytes`);
  assert.match(channel.sent.join(), /ctyped$/, 'what is typed is never left out');
});

/** A terminal that reads only when asked to. */
function reader(): { inflow: Inflow; read: () => boolean; text: () => string; pending: () => number } {
  const waiting: [Uint8Array, () => void][] = [];
  const parsed: Buffer[] = [];
  const inflow = new Inflow((bytes, done) => waiting.push([bytes, done]));
  const read = (): boolean => {
    const next = waiting.shift();
    if (!next) return false;
    parsed.push(Buffer.from(next[0]));
    next[1]();
    return true;
  };
  return { inflow, read, text: () => Buffer.concat(parsed).toString(), pending: () => waiting.reduce((sum, [bytes]) => sum + bytes.length, 0) };
}

test('output waits while about a mebibyte is being read, and all of it comes in order', () => {
  const { inflow, read, text, pending } = reader();
  const pieces = Array.from({ length: 80 }, (_, n) => `${n} `.padEnd(100 * KIB, '.'));
  for (const piece of pieces) inflow.take(encode(piece));
  assert.ok(pending() <= MIB + 100 * KIB, `${pending()} bytes`);
  while (read());
  assert.equal(text(), pieces.join(''));
});

test('x08_a_flood_is_bounded_and_its_gap_is_shown', () => {
  const { inflow, read, text, pending } = reader();
  for (let n = 0; n < 1024; n += 1) inflow.take(encode(`${n} `.padEnd(100 * KIB, '.')));
  assert.ok(pending() <= MIB + 100 * KIB);
  while (read());
  assert.ok(text().length < 20 * MIB, `${text().length} bytes`);
  assert.match(text(), /\x18\x1b\[0m\r\n⋯ \d+ MiB ⋯\r\n/);
  assert.ok(text().includes('1023 .'), 'the newest is kept');
  const left = [...text().matchAll(/⋯ (\d+) MiB ⋯/g)].reduce((sum, [, mib]) => sum + Number(mib), 0);
  assert.ok(left + text().length / MIB >= 100, 'what is missing is said');
});
