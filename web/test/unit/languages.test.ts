import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Catalogue, Words } from '../../src/messages/catalogue.ts';
import { choose, dirOf, load, TAGS } from '../../src/messages/languages.ts';
import { en } from '../../src/messages/en.ts';

/** Texts that a language has in common with English, by rights. */
const SAME: Readonly<Record<string, readonly string[]>> = {
  de: ['tools.clipField', 'tools.keyEscape', 'tools.milliseconds', 'tools.terminal', 'tools.typeField'],
  fr: ['tools.keyControl', 'tools.milliseconds', 'tools.terminal', 'ui.untitled'],
  es: ['tools.keyControl', 'tools.keyEscape', 'tools.milliseconds', 'tools.terminal'],
  'pt-BR': ['tools.keyBackspace', 'tools.keyControl', 'tools.keyEnd', 'tools.keyEscape', 'tools.keyHome', 'tools.keyShift', 'tools.milliseconds', 'tools.terminal', 'ui.ctrlAltDel', 'ui.untitled'],
};

/** Every text of a catalogue by its place. */
function texts({ ui, tools, reasons, special, unknown }: Catalogue): Map<string, string> {
  const found = new Map(Object.entries<string>(ui).map(([key, text]) => [`ui.${key}`, text]));
  for (const [key, text] of Object.entries<string>(tools)) found.set(`tools.${key}`, text);
  for (const [code, words] of [...Object.entries<Words>(reasons), ...Object.entries<Words>(special), ['unknown', unknown] as const]) {
    found.set(`${code}.title`, words.title);
    found.set(`${code}.detail`, words.detail);
  }
  return found;
}

const places = (text = ''): string[] => [...text.matchAll(/\{\w*\}/g)].map(([place]) => place).sort();

const english = texts(en);
const others = TAGS.filter((tag) => tag !== 'en');

test('there are five languages', () => assert.deepEqual(TAGS, ['en', 'de', 'fr', 'es', 'pt-BR']));

for (const tag of others) {
  test(`${tag} says everything that English says, in its own words`, async () => {
    const own = texts((await load(tag)).catalogue);
    assert.deepEqual([...own.keys()].sort(), [...english.keys()].sort());
    const same: string[] = [];
    for (const [key, text] of own) {
      assert.ok(text.trim() !== '' && text === text.trim(), key);
      assert.deepEqual(places(text), places(english.get(key)), key);
      if (text === english.get(key)) same.push(key);
    }
    assert.deepEqual(same.sort(), [...(SAME[tag] ?? [])].sort());
  });

  test(`${tag} writes titles without and details with a full stop`, async () => {
    const { reasons, special } = (await load(tag)).catalogue;
    for (const [code, { title, detail }] of [...Object.entries<Words>(reasons), ...Object.entries<Words>(special)]) {
      assert.match(title, /^\p{Lu}.*[^.]$/u, code);
      assert.match(detail, /^[\p{Lu}¿].*\.$/u, code);
    }
  });
}

test('the language is the first wish that is there', () => {
  assert.equal(choose([null, undefined, 'de-AT', 'en']), 'de');
  assert.equal(choose(['xx', 'PT-br']), 'pt-BR');
  assert.equal(choose(['pt-PT', 'en']), 'pt-BR', 'a near relation is better than English');
  assert.equal(choose(['', '../en', 'es-419']), 'es');
  assert.equal(choose(['toString', '-', 'zz']), 'en');
  assert.equal(choose(['de-CH'], ['en', 'de', 'de-CH']), 'de-CH');
});

test('a language that is not there is English', async () => {
  assert.equal((await load('../../de')).tag, 'en');
});

test('the direction is the language\u2019s', () => {
  assert.deepEqual(['ar', 'he-IL', 'de', 'pt-BR'].map(dirOf), ['rtl', 'rtl', 'ltr', 'ltr']);
});
