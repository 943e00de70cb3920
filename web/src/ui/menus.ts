// What is in the menus of the bar, made anew whenever one opens.

import type { Scale } from '../address.ts';
import { FUNCTION_KEYS, type KeyName } from '../keys.ts';
import { fill, type Tools } from '../messages/catalogue.ts';
import { POWER, type Power } from '../power.ts';
import type { TerminalControls } from '../screen/screen.ts';
import type { Desk } from './desk.ts';
import type { Look } from './look.ts';
import type { Group, Item } from './menu.ts';
import type { Toast } from './toast.ts';

export function keyLabel(words: Tools, keys: readonly KeyName[]): string {
  const own: Partial<Record<KeyName, string>> = { Control: words.keyControl, Shift: words.keyShift, Escape: words.keyEscape, Backspace: words.keyBackspace, KeyC: 'C' };
  return keys.map((key) => own[key] ?? key).join('+');
}

/** The keys that move, how they are called, and what is drawn on them. */
const MOVES = [
  ['ArrowLeft', 'keyLeft', '←'],
  ['ArrowUp', 'keyUp', '↑'],
  ['ArrowDown', 'keyDown', '↓'],
  ['ArrowRight', 'keyRight', '→'],
  ['Home', 'keyHome'],
  ['End', 'keyEnd'],
  ['PageUp', 'keyPageUp'],
  ['PageDown', 'keyPageDown'],
] as const;

/** A terminal knows no text consoles, and no machine that listens for Ctrl+Alt+Del; Ctrl+C ends what runs in it. */
export function keyGroups(words: Tools, ctrlAltDel: string, desk: Desk, look: Look): readonly Group[] {
  const send = (keys: readonly KeyName[], label = keyLabel(words, keys)): Item => ({ label, act: () => desk.send(keys) });
  const hold = (key: KeyName): Item => ({ label: keyLabel(words, [key]), kind: 'check', on: desk.sticky.held.includes(key), act: () => desk.hold(key) });
  const move = MOVES.map(([key, name, drawn]): Item => ({ label: drawn ?? words[name], name: words[name], again: true, act: () => desk.send([key]) }));
  const chord = (key: KeyName): Item => ({ ...send(['Control', 'Alt', key], key), name: keyLabel(words, ['Control', 'Alt', key]) });
  const plain = [send(['Tab']), send(['Escape'])];
  const reset = [send(['Control', 'Alt', 'Delete'], ctrlAltDel), send(['Control', 'Alt', 'Backspace'])];
  return [
    { label: words.keysSend, items: look.picture ? [...reset, ...plain] : [send(['Control', 'KeyC']), ...plain] },
    { label: words.keysHold, columns: 4, items: [hold('Control'), hold('Alt'), hold('Shift'), ...(look.picture ? [hold('Super')] : [])] },
    { label: words.keysMove, columns: 4, items: move },
    { label: words.keysFunction, columns: 6, items: FUNCTION_KEYS.map((key) => send([key])) },
    { label: `${words.keysConsoles}: ${keyLabel(words, ['Control', 'Alt'])}+`, columns: 6, items: look.picture ? FUNCTION_KEYS.map(chord) : [] },
  ];
}

export function sizeGroups(words: Tools, look: Look, choose: (scale: Scale) => void): readonly Group[] {
  const size = (scale: Scale, label: string): Item => ({ label, kind: 'radio', on: look.scale === scale, act: () => choose(scale) });
  const remote = look.resize ? [size('remote', words.sizeRemote)] : [];
  return [{ label: words.size, items: [size('fit', words.sizeFit), ...remote, size('off', words.sizeOff)] }];
}

/** What would change nothing is not offered, as far as the state is known; a container has no reset. */
export function powerGroups(words: Tools, desk: Desk, look: Look): readonly Group[] {
  const useless = (action: Power): boolean => look.machine === (action === 'start' ? 'running' : 'stopped');
  const items = POWER.filter((action) => action !== 'reset' || look.kind !== 'lxc').map(
    (action): Item => ({ label: words[action], off: useless(action), moves: action !== 'start', act: () => void desk.power(action) }),
  );
  return [{ label: words.power, items }];
}

export interface Reading {
  on: boolean;
}

export function terminalGroups(words: Tools, terminal: TerminalControls | undefined, reading: Reading, toast: Toast): readonly Group[] {
  if (!terminal) return [];
  const letters = (label: string, change: 1 | -1 | 0): Item => ({
    label,
    act: () => toast.say(fill(words.terminalPixels, { n: terminal.fontSize(change) })),
  });
  const items: Item[] = [
    { label: words.terminalSearch, moves: true, act: () => terminal.search() },
    { label: words.terminalCopy, act: () => void terminal.copy().then((done) => toast.say(done ? words.copied : words.notCopied)) },
    letters(words.terminalLarger, 1),
    letters(words.terminalSmaller, -1),
    letters(words.terminalUsual, 0),
    {
      label: words.terminalReader,
      kind: 'check',
      on: reading.on,
      act: () => {
        reading.on = !reading.on;
        terminal.screenReader(reading.on);
      },
    },
  ];
  return [{ label: words.terminal, items }];
}
