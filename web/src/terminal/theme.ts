// The colours and the letters of the terminal. Ground, text, cursor and selection are variables of the page (terminal.css), so
// that a brand can change them; the sixteen colours are chosen for either ground, and xterm.js mends what is hard to read.

import type { ITheme } from '@xterm/xterm';

const DARK = ['#2b333b', '#f0837a', '#5fca8d', '#e2b35a', '#7cb2f8', '#cf9bf0', '#5ccfd0', '#cdd5dc', '#7b8794', '#ff9f96', '#83e0aa', '#f4cb7b', '#a0c9ff', '#e0bafa', '#86e3e3', '#ffffff'];
const LIGHT = ['#1a2129', '#b3261e', '#1a7f4b', '#8a5a00', '#1f5fc4', '#8a3ab9', '#0b7a80', '#6b7783', '#4a5560', '#c9372c', '#14864e', '#9a6700', '#2b6fdb', '#9c4bcb', '#0f8a90', '#394550'];
export const NAMES = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white', 'brightBlack', 'brightRed', 'brightGreen', 'brightYellow', 'brightBlue', 'brightMagenta', 'brightCyan', 'brightWhite'] as const;

export const FONT = 'ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace';

export function themeOf(root: Element): ITheme {
  const style = getComputedStyle(root);
  const colour = (name: string): string => style.getPropertyValue(`--cg-term-${name}`).trim();
  const background = colour('bg');
  const palette = style.colorScheme === 'dark' ? DARK : LIGHT;
  return {
    ...Object.fromEntries(NAMES.map((name, index) => [name, palette[index]])),
    background,
    foreground: colour('fg'),
    cursor: colour('cursor'),
    cursorAccent: background,
    selectionBackground: colour('selection'),
  };
}

/** Tells of every change between light and dark, until the end. */
export function watchTheme(root: Element, changed: () => void): () => void {
  const system = matchMedia('(prefers-color-scheme: dark)');
  const own = new MutationObserver(changed);
  system.addEventListener('change', changed);
  own.observe(root, { attributeFilter: ['data-theme', 'style'] });
  return () => {
    system.removeEventListener('change', changed);
    own.disconnect();
  };
}

const KEPT = 'consolegate.font-size';
const USUAL = 14;

export type FontChange = 1 | -1 | 0;

/** The size after one step, or the usual one for 0. */
export function nextFontSize(size: number, change: FontChange): number {
  return change === 0 ? USUAL : readable(size + change);
}

/** Where the browser keeps nothing for this page (a frame of another site), the size lasts as long as the page. */
export function keptFontSize(): number {
  try {
    return readable(Number(localStorage.getItem(KEPT) ?? USUAL));
  } catch {
    return USUAL;
  }
}

export function keepFontSize(size: number): void {
  try {
    localStorage.setItem(KEPT, String(size));
  } catch {
    return;
  }
}

function readable(size: number): number {
  return Number.isFinite(size) ? Math.min(Math.max(Math.round(size), 8), 32) : USUAL;
}
