import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode, encodeBytes, inputMessages, pasted, resizeMessage, within } from '../../src/terminal/framing.ts';

const FRAME = 128 * 1024;
const text = (bytes: Uint8Array): string => new TextDecoder('utf-8', { fatal: true }).decode(bytes);
const messagesOf = (input: string, most?: number): string[] => [...inputMessages(encode(input), most)].map(text);

/** What the machine gets, each message read as termproxy reads it. */
function received(messages: Iterable<Uint8Array>): Buffer {
  const parts = [...messages].map((message) => {
    const head = /^0:(\d+):/.exec(Buffer.from(message.subarray(0, 12)).toString('latin1'));
    assert.ok(head, 'a head');
    assert.ok(message.length <= FRAME, `${message.length} bytes`);
    const rest = Buffer.from(message.subarray(head[0].length));
    assert.equal(rest.length, Number(head[1]));
    return rest;
  });
  return Buffer.concat(parts);
}

test('x04_a_length_counts_bytes_not_characters', () => {
  assert.deepEqual(messagesOf('é€😀'), ['0:9:é€😀']);
  assert.deepEqual(messagesOf('a'), ['0:1:a']);
  assert.deepEqual(messagesOf(''), []);
});

test('x07_a_mebibyte_arrives_whole_in_frames_that_the_node_takes', () => {
  for (const letter of ['a', 'é', '€', '😀', 'a😀€']) {
    const whole = encode(letter.repeat(Math.ceil((1024 * 1024) / encode(letter).length)));
    const messages = [...inputMessages(whole)];
    assert.ok(messages.length >= 9 && messages.length <= 10, `${messages.length} messages`);
    assert.ok(received(messages).equals(Buffer.from(whole)));
    for (const message of messages) assert.doesNotThrow(() => text(message), 'whole characters only');
  }
});

test('a cut falls before the character that does not fit, wherever that is', () => {
  for (let before = 0; before < 12; before += 1) {
    const input = `${'a'.repeat(before)}€😀é`;
    const messages = messagesOf(input, 8);
    assert.equal(messages.map((message) => message.replace(/^0:\d+:/, '')).join(''), input);
  }
  assert.deepEqual(messagesOf('aaaaaaa€', 8), ['0:7:aaaaaaa', '0:3:€']);
});

test('bytes that are no text are not lost', () => {
  const mouse = encodeBytes(`\x1b[M${'\x80\xff'.repeat(20)}`);
  assert.ok(received(inputMessages(mouse, 8)).equals(Buffer.from(mouse)));
});

test('x05_a_size_is_one_that_the_node_accepts', () => {
  const size = (columns: number, rows: number): string => text(resizeMessage(within(columns, rows)));
  assert.equal(size(80, 24), '1:80:24:');
  assert.equal(size(0, -5), '1:2:2:');
  assert.equal(size(70_000, 1e9), '1:1000:1000:');
  assert.equal(size(81.9, Number.NaN), '1:81:2:');
});

test('a paste ends its lines as Enter does, and is marked where the program asks for it', () => {
  assert.equal(pasted('a\r\nb\nc\rd', false), 'a\rb\rc\rd');
  assert.equal(pasted('a\nb', true), '\x1b[200~a\rb\x1b[201~');
});

test('a pasted end mark cannot type commands', () => {
  for (const nasty of ['x\x1b[201~rm -rf /\n', '\x1b[20\x1b[201~1~rm\n']) {
    const [start, ...marks] = pasted(nasty, true).split('\x1b');
    assert.equal(start, '');
    assert.equal(marks.length, 2, 'the two marks and nothing else');
  }
});
