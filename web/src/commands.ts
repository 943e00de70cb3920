// What a panel may ask of the page: as much as the person in front of the console may do, never more. Every argument is
// checked here; nothing here knows where a command came from.

import { themeOf, type Scale, type Theme } from './address.ts';
import { dictate } from './dictation.ts';
import { isKeyName, KEYS, type Key, type KeyName } from './keys.ts';
import type { Screen } from './screen/screen.ts';

/** The page, as far as it obeys. */
export interface Obedient {
  /** The screen of a console that is connected now. */
  readonly live: Screen | undefined;
  readonly viewOnly: boolean;
  start(token: string): void;
  disconnect(): void;
  setScale(scale: Scale): void;
  /** Only ever takes away: without the right to type it stays view-only. */
  setViewOnly(viewOnly: boolean): void;
  setTheme(theme: Theme): void;
  setLocale(tag: string): void;
  /** The keyboard of a phone. */
  requestKeyboard(): void;
  /** False where the browser did not let it. */
  fullScreen(): Promise<boolean>;
}

export type CommandFault = 'busy' | 'not_allowed' | 'not_connected' | 'bad_argument' | 'unsupported' | 'untypable' | 'refused';

export class CommandError extends Error {
  readonly code: CommandFault;

  constructor(code: CommandFault) {
    super(code);
    this.code = code;
  }
}

type Detail = Readonly<Record<string, unknown>>;
type Command = (page: Obedient, detail: Detail) => unknown;

/** Names that people write for keys. */
const ALIASES: Readonly<Record<string, KeyName>> = {
  Ctrl: 'Control',
  Del: 'Delete',
  Esc: 'Escape',
  Win: 'Super',
  Meta: 'Super',
  Return: 'Enter',
};
const MOST_KEYS = 8;

const COMMANDS: Readonly<Record<string, Command>> = {
  connect: (page, { token }) => page.start(text(token)),
  disconnect: (page) => page.disconnect(),
  focus: (page) => live(page).focus(),
  sendKeys: (page, { keys }) => press(typing(page), keysOf(keys)),
  typeText: (page, { text: words, layout, delayMs }) =>
    dictate(page, typing(page), text(words), layout === undefined ? undefined : text(layout), delayMs === undefined ? undefined : number(delayMs)),
  setScale: (page, { scale }) => page.setScale(one(['fit', 'remote', 'off'], scale)),
  setViewOnly: (page, { viewOnly }) => page.setViewOnly(one([true, false], viewOnly)),
  setTheme: (page, { theme }) => page.setTheme(themeOf(text(theme)) ?? bad()),
  setLocale: (page, { locale }) => page.setLocale(text(locale)),
  fullscreen: async (page) => {
    if (!(await page.fullScreen())) throw new CommandError('refused');
  },
  requestKeyboard: (page) => {
    typing(page);
    page.requestKeyboard();
  },
  screenshot: (page) => live(page).screenshot(),
};

/** Does it and answers what it gives, or throws why not. */
export async function obey(page: Obedient, type: string, detail: Detail): Promise<unknown> {
  const command = Object.hasOwn(COMMANDS, type) ? COMMANDS[type] : undefined;
  if (!command) throw new CommandError('unsupported');
  return command(page, detail);
}

function live(page: Obedient): Screen {
  if (!page.live) throw new CommandError('not_connected');
  return page.live;
}

function typing(page: Obedient): Screen {
  const screen = live(page);
  if (page.viewOnly) throw new CommandError('not_allowed');
  return screen;
}

function keysOf(keys: unknown): readonly (KeyName | Key)[] {
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > MOST_KEYS) return bad();
  return keys.map((key: unknown) => {
    const name = (Object.hasOwn(ALIASES, text(key)) ? ALIASES[text(key)] : undefined) ?? text(key);
    return isKeyName(name) ? name : (plain(name) ?? bad());
  });
}

/** A letter or digit, by its place on a US keyboard, as in Ctrl+C. */
function plain(char: string): Key | undefined {
  if (!/^[a-z0-9]$/i.test(char)) return undefined;
  const code = /\d/.test(char) ? `Digit${char}` : `Key${char.toUpperCase()}`;
  return { keysym: char.toLowerCase().charCodeAt(0), code };
}

function press(screen: Screen, keys: readonly (KeyName | Key)[]): void {
  const named = keys.filter((key) => typeof key === 'string');
  if (named.length === keys.length) return screen.sendKeys(named);
  if (!screen.stroke) throw new CommandError('unsupported');
  const all = keys.map((key) => (typeof key === 'string' ? KEYS[key] : key));
  for (const key of all) screen.stroke(key, true);
  for (const key of all.toReversed()) screen.stroke(key, false);
}

function text(value: unknown): string {
  return typeof value === 'string' && value !== '' ? value : bad();
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : bad();
}

function one<T>(known: readonly T[], value: unknown): T {
  const found = known.find((each) => each === value);
  return found === undefined ? bad() : found;
}

function bad(): never {
  throw new CommandError('bad_argument');
}
