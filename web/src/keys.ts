// The keys that can be sent by name: X11 keysym and the code of the physical key (UI Events), as both kinds of screen need
// them. Owns the table; sends nothing.

export interface Key {
  readonly keysym: number;
  readonly code: string;
}

export const FUNCTION_KEYS = ['F1', 'F2', 'F3', 'F4', 'F5', 'F6', 'F7', 'F8', 'F9', 'F10', 'F11', 'F12'] as const;

const NAMED = {
  Control: { keysym: 0xffe3, code: 'ControlLeft' },
  Alt: { keysym: 0xffe9, code: 'AltLeft' },
  Shift: { keysym: 0xffe1, code: 'ShiftLeft' },
  Super: { keysym: 0xffeb, code: 'MetaLeft' },
  AltGr: { keysym: 0xfe03, code: 'AltRight' },
  Tab: { keysym: 0xff09, code: 'Tab' },
  Escape: { keysym: 0xff1b, code: 'Escape' },
  Enter: { keysym: 0xff0d, code: 'Enter' },
  Backspace: { keysym: 0xff08, code: 'Backspace' },
  Delete: { keysym: 0xffff, code: 'Delete' },
  ArrowLeft: { keysym: 0xff51, code: 'ArrowLeft' },
  ArrowUp: { keysym: 0xff52, code: 'ArrowUp' },
  ArrowDown: { keysym: 0xff54, code: 'ArrowDown' },
  ArrowRight: { keysym: 0xff53, code: 'ArrowRight' },
  Home: { keysym: 0xff50, code: 'Home' },
  End: { keysym: 0xff57, code: 'End' },
  PageUp: { keysym: 0xff55, code: 'PageUp' },
  PageDown: { keysym: 0xff56, code: 'PageDown' },
  KeyC: { keysym: 0x63, code: 'KeyC' },
} as const;

export type KeyName = keyof typeof NAMED | (typeof FUNCTION_KEYS)[number];

export const KEYS: Readonly<Record<KeyName, Key>> = {
  ...NAMED,
  ...(Object.fromEntries(FUNCTION_KEYS.map((name, index) => [name, { keysym: 0xffbe + index, code: name }])) as Record<
    (typeof FUNCTION_KEYS)[number],
    Key
  >),
};

export function isKeyName(name: string): name is KeyName {
  return Object.hasOwn(KEYS, name);
}
