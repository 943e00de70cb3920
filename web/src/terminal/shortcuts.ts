// The terminal's own keys. Ctrl with a letter is the machine's, so these also need Shift, as in every terminal on Linux.

export type Shortcut = 'copy' | 'paste' | 'search';

const SHORTCUTS: Readonly<Record<string, Shortcut>> = { c: 'copy', v: 'paste', f: 'search' };

type Pressed = Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'shiftKey' | 'altKey'>;

export function shortcutOf(event: Pressed): Shortcut | undefined {
  if (!event.shiftKey || event.altKey || event.ctrlKey === event.metaKey) return undefined;
  // The letter; where the layout has other letters, the one that is in its place.
  const letter = /^[a-z]$/i.test(event.key) ? event.key.toLowerCase() : event.code.replace('Key', '').toLowerCase();
  return Object.hasOwn(SHORTCUTS, letter) ? SHORTCUTS[letter] : undefined;
}
