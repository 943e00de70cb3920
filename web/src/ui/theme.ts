// Light, dark, or what the system says. The colours themselves are in console.css.

import type { Theme } from '../address.ts';

export function showTheme(root: HTMLElement, theme: Theme): void {
  if (theme === 'auto') delete root.dataset['theme'];
  else root.dataset['theme'] = theme;
}
