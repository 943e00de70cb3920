// Derives the tables of src/keyboard from @kubevirt-ui-ext/vnc-keymaps while building: `layout:<id>` is a module with one
// layout, small enough to be fetched alone (the package is one file of 1.9 MB). Never part of a page itself.

import { keyMaps, keysym2ucs, keysym_to_name } from '@kubevirt-ui-ext/vnc-keymaps';

/** The keys that type something, by their scancode (set 1): only these, so no keypad and no key a board may lack. */
const CODES = {
  ...row(0x02, 'Digit1 Digit2 Digit3 Digit4 Digit5 Digit6 Digit7 Digit8 Digit9 Digit0 Minus Equal'),
  ...row(0x10, 'KeyQ KeyW KeyE KeyR KeyT KeyY KeyU KeyI KeyO KeyP BracketLeft BracketRight'),
  ...row(0x1e, 'KeyA KeyS KeyD KeyF KeyG KeyH KeyJ KeyK KeyL Semicolon Quote Backquote'),
  ...row(0x2b, 'Backslash KeyZ KeyX KeyC KeyV KeyB KeyN KeyM Comma Period Slash'),
  ...{ 0x39: 'Space', 0x56: 'IntlBackslash', 0x73: 'IntlRo', 0x7d: 'IntlYen' },
};

/** What a dead key adds to the next letter. */
const MARKS = {
  grave: 0x300, acute: 0x301, circumflex: 0x302, tilde: 0x303, macron: 0x304, breve: 0x306, abovedot: 0x307, diaeresis: 0x308,
  hook: 0x309, abovering: 0x30a, doubleacute: 0x30b, caron: 0x30c, horn: 0x31b, belowdot: 0x323, belowcomma: 0x326, cedilla: 0x327, ogonek: 0x328,
};

/**
 * The package has German and French only without dead keys; Windows and most installers use the layouts with them.
 * Key by key what differs, without and with Shift.
 */
const DEAD = {
  de: { 0x29: ['dead_circumflex', 'degree'], 0x0d: ['dead_acute', 'dead_grave'] },
  fr: { 0x1a: ['dead_circumflex', 'dead_diaeresis'] },
};
/** Where a character is on several keys: the one that Windows has too. Scancode, and what is held. */
const SHARED = {
  es: { '[': [0x1a, 2], ']': [0x1b, 2], '{': [0x28, 2], '}': [0x2b, 2], '\\': [0x29, 2] },
  fr: { '~': [0x03, 2] },
  it: { '[': [0x1a, 2], ']': [0x1b, 2], '{': [0x1a, 3], '}': [0x1b, 3], '@': [0x27, 2], '#': [0x28, 2] },
};
/** Under these names the package holds something else: Ethiopian and French Dvorak. */
const MISNAMED = ['et', 'bepo'];

const keysyms = new Map(keysym_to_name.map(([keysym, name]) => [name, keysym]));

export const LAYOUTS = new Map();
for (const [id, { map }] of Object.entries(keyMaps)) {
  if (MISNAMED.includes(id)) continue;
  LAYOUTS.set(id in DEAD ? `${id}-nodeadkeys` : id, table(map, SHARED[id]));
  if (id in DEAD) LAYOUTS.set(id, table(withDead(map, DEAD[id]), SHARED[id]));
}

/** The plugin of esbuild. */
export const keymaps = {
  name: 'keymaps',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^layout:/ }, ({ path }) => ({ path: path.replace(':', '-'), namespace: 'layout' }));
    onLoad({ filter: /./, namespace: 'layout' }, ({ path }) => {
      const layout = LAYOUTS.get(path.slice('layout-'.length));
      if (!layout) return { errors: [{ text: `there is no keyboard layout ${path}` }] };
      return { contents: `export default ${JSON.stringify(layout)}` };
    });
  },
};

/** For each character and each accent the key: keysym, code, and the modifiers (1 Shift, 2 AltGr). Fewer modifiers win. */
function table(map, shared = {}) {
  const layout = { keys: {}, dead: {} };
  const level = ([, , ...held]) => (held.includes('shift') ? 1 : 0) + (held.includes('altgr') ? 2 : 0);
  const typing = map.filter(([, scancode, ...held]) => CODES[scancode] && held.every((modifier) => modifier === 'shift' || modifier === 'altgr'));
  for (const key of typing.toSorted((a, b) => level(a) - level(b))) {
    const [name, scancode] = key;
    const place = [keysymOf(name), CODES[scancode], level(key)];
    const mark = MARKS[/^dead_(.*)/.exec(name)?.[1]];
    const point = mark ?? keysym2ucs(place[0]);
    if (!(point >= 0x20)) continue;
    const char = String.fromCodePoint(point);
    const wanted = shared[char];
    if (!wanted || (wanted[0] === scancode && wanted[1] === level(key))) (mark ? layout.dead : layout.keys)[char] ??= place;
  }
  return layout;
}

function keysymOf(name) {
  return keysyms.get(name) ?? (/^U[0-9A-F]+$/.test(name) ? 0x1000000 + parseInt(name.slice(1), 16) : 0);
}

function withDead(map, changes) {
  const rest = map.filter(([, scancode]) => !(scancode in changes));
  const dead = Object.entries(changes).flatMap(([scancode, [plain, shifted]]) => [[plain, Number(scancode)], [shifted, Number(scancode), 'shift']]);
  return [...rest, ...dead];
}

function row(first, codes) {
  return Object.fromEntries(codes.split(' ').map((code, index) => [first + index, code]));
}
