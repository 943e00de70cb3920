import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { granted } from '../../src/session.ts';
import { accentOn, contrast, SURFACES } from '../../src/ui/brand.ts';

const BASE = new URL('https://gate.example/console');
const ANSWER = { session: 's', websocket: '/v1/ws', ticket: 't', resume: 'r', console: { kind: 'qemu', protocol: 'vnc', rights: [] } };

function brandOf(brand: unknown): unknown {
  const answer = granted({ ...ANSWER, brand }, BASE);
  assert.ok('opened' in answer);
  return answer.opened.brand;
}

test('contrast is that of WCAG', () => {
  assert.equal(contrast('#000000', '#ffffff'), 21);
  assert.equal(contrast('#777777', '#777777'), 1);
  assert.equal(contrast('#767676', '#ffffff').toFixed(2), '4.54');
  assert.equal(contrast('#ffffff', '#ff0000').toFixed(2), '4.00');
});

test('whatever the accent is, text on it can be read, and it is no text where it is too faint', () => {
  for (let n = 0; n < 4096; n += 1) {
    const accent = `#${[n >> 8, (n >> 4) & 15, n & 15].map((part) => (part * 17).toString(16).padStart(2, '0')).join('')}`;
    for (const surfaces of Object.values(SURFACES)) {
      const worn = accentOn(accent, surfaces);
      assert.ok(contrast(worn.accent, worn.on) >= 4.5, accent);
      for (const surface of surfaces) {
        if (worn.text) assert.ok(contrast(worn.text, surface) >= 4.5, accent);
        if (worn.focus) assert.ok(contrast(worn.focus, surface) >= 3, accent);
      }
    }
  }
});

test('a strong accent is used for everything, a faint one for surfaces alone', () => {
  assert.deepEqual(accentOn('#7c3aed', SURFACES.light), { accent: '#7c3aed', on: '#ffffff', text: '#7c3aed', focus: '#7c3aed' });
  assert.deepEqual(accentOn('#ffe066', SURFACES.light), { accent: '#ffe066', on: '#000000', text: undefined, focus: undefined });
  assert.equal(accentOn('#ffe066', SURFACES.dark).text, '#ffe066');
});

test('the surfaces are those of the style sheet', () => {
  const sheet = readFileSync(join(process.env['CONSOLEGATE_ROOT'] ?? '../..', 'web/src/ui/colours.css'), 'utf8');
  const [light = '', dark = '', again = ''] = sheet.split(' color-scheme: ').slice(1);
  const surfaces = (block: string) => [...block.matchAll(/--cg-(?:bg|bar|card|hover): (#\w+);/g)].map(([, colour = '']) => colour);
  assert.deepEqual([...new Set(surfaces(light))].sort(), [...SURFACES.light].sort());
  assert.equal(surfaces(dark).length, 4);
  for (const surface of surfaces(dark)) {
    const [low, , high] = SURFACES.dark;
    assert.ok(contrast(surface, '#000000') >= contrast(low, '#000000') && contrast(surface, '#000000') <= contrast(high, '#000000'), surface);
  }
  assert.deepEqual(surfaces(again), surfaces(dark), 'chosen dark and the system’s dark are the same');
});

test('a brand is read with care', () => {
  assert.equal(brandOf(null), null);
  assert.equal(brandOf('x'), null);
  assert.deepEqual(brandOf({ name: 'Acme', logo: 'brand/a.svg', accent: '#7C3AED', accent_dark: null }), {
    name: 'Acme',
    logo: '/brand/a.svg',
    accent: '#7c3aed',
    accentDark: null,
  });
  const nasty = { name: 7, logo: 'https://evil.example/x.png', accent: 'red;background:url(//evil)', accent_dark: '#fff' };
  assert.deepEqual(brandOf(nasty), { name: null, logo: '/x.png', accent: null, accentDark: null }, 'always the own host');
  assert.deepEqual(brandOf({ logo: 'javascript:alert(1)' }), { name: null, logo: null, accent: null, accentDark: null });
});
