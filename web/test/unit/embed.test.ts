import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type * as declared from '../../src/embed/embed.d.ts';
import type { ConsoleGate } from '../../src/embed/element.ts';
import type { ConsoleGateError, ErrorCode } from '../../src/embed/errors.ts';
import { Allowance, linkOf, tokenOf } from '../../src/embed/link.ts';
import type { mount, MountOptions } from '../../src/embed/index.ts';
import type { Events } from '../../src/events.ts';
import type { Scale, Theme } from '../../src/address.ts';

// What panels are told about the script and what it is: the compiler compares them.
type Same<A, B> = [A, B] extends [B, A] ? true : false;
type Methods<T> = { [K in Exclude<keyof T, keyof HTMLElement> | 'focus' as T[K & keyof T] extends (...given: never) => unknown ? K : never]: T[K & keyof T] };
const sameEvents: Same<Events, declared.ConsoleGateDetails> = true;
const sameCodes: Same<ErrorCode, declared.ErrorCode> = true;
const sameWords: Same<[Scale, Theme], [declared.Scale, declared.Theme]> = true;
const sameNames: Same<Exclude<keyof ConsoleGate, keyof HTMLElement | `${string}Callback`>, Exclude<keyof declared.ConsoleGate, keyof HTMLElement>> = true;
const sameOptions: Same<keyof MountOptions, keyof declared.MountOptions> = true;
const asDeclared = {} as unknown as {
  gate: Methods<ConsoleGate>;
  error: ConsoleGateError;
  mount: (...given: Parameters<typeof mount>) => void;
} satisfies {
  gate: Methods<declared.ConsoleGate>;
  error: declared.ConsoleGateError;
  mount: (parent: Element, options: declared.MountOptions) => void;
};

test('the declared types are those of the script', () => {
  assert.ok(sameEvents && sameCodes && sameWords && sameNames && sameOptions && asDeclared);
});

const codeOf = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (error) {
    return (error as ConsoleGateError).code;
  }
};

test('a link is an address of a page and maybe a token', () => {
  const { page, token } = linkOf('https://gate.example/console?theme=dark#a.b.c');
  assert.deepEqual([page.href, token], ['https://gate.example/console?theme=dark', 'a.b.c']);
  assert.equal(linkOf('/console', 'https://gate.example/x').token, undefined);
  for (const src of ['a.b.c', '/console#a.b.c', 'javascript:alert(1)//#a', 'data:text/html,x#a', 'https://', '']) {
    assert.equal(codeOf(() => linkOf(src)), 'invalid_src', src);
  }
});

test('a token is taken bare or out of a link of the same gateway', () => {
  const page = new URL('https://gate.example/console');
  for (const given of ['a.b.c', 'https://gate.example/console#a.b.c', '#a.b.c']) assert.equal(tokenOf(given, page), 'a.b.c', given);
  for (const given of ['', 7, undefined, 'https://gate.example/console', 'https://evil.example/console#a.b.c', 'http://gate.example/console#a.b.c', 'a b', '/x']) {
    assert.equal(codeOf(() => tokenOf(given, page)), 'invalid_token', String(given));
  }
});

test('tokens are fetched at most so often', () => {
  const allowance = new Allowance(3, 60_000);
  const at = [0, 1, 2, 3, 59_999, 60_000, 60_001, 60_002, 60_003].map((now) => allowance.take(now));
  assert.deepEqual(at, [true, true, true, false, false, true, true, true, false]);
});

test('p08_nothing_is_ever_posted_to_everybody', () => {
  const root = join(process.env['CONSOLEGATE_ROOT'] ?? '../..', 'web/src');
  const posts = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => readFileSync(join(root, name), 'utf8').split('\n').map((line) => ({ name, line })))
    .filter(({ line }) => line.includes('postMessage('));
  assert.deepEqual(posts.map(({ name }) => name).sort(), ['embed/channel.ts', 'embedding.ts'], 'all that is posted goes through the two ends of the channel');
  for (const { name, line } of posts) assert.doesNotMatch(line, /['"`]\*['"`]/, name);
  assert.match(posts.find(({ name }) => name === 'embedding.ts')?.line ?? '', /, this\.#panel\);$/);
  assert.match(readFileSync(join(root, 'embed/channel.ts'), 'utf8'), /const options = \{ targetOrigin: this\.#origin,/);
});
