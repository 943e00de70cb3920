// An xterm.js as this page wants it: its options, the widths of characters, its links, and how it is drawn.

import { Terminal, type IUnicodeVersionProvider } from '@xterm/xterm';
import { Unicode11Addon } from '@xterm/addon-unicode11';
import { WebglAddon } from '@xterm/addon-webgl';
import type { ScreenOptions } from '../screen/screen.ts';
import { findLinks, linkHandler } from './links.ts';
import { bounded } from './marks.ts';
import { FONT, keptFontSize, themeOf } from './theme.ts';

export function makeTerminal(options: ScreenOptions, box: HTMLElement): Terminal {
  const handler = linkHandler(box, options.words.linkHint);
  Terminal.strings.promptLabel = options.label;
  Terminal.strings.tooMuchOutput = options.words.tooMuchOutput;
  const term = new Terminal({
    // Widths of characters (unicode11) and the marks of the search are "proposed" in xterm.js.
    allowProposedApi: true,
    cursorBlink: !matchMedia('(prefers-reduced-motion: reduce)').matches,
    disableStdin: options.viewOnly,
    fontFamily: FONT,
    fontSize: keptFontSize(),
    linkHandler: handler,
    logLevel: 'off',
    macOptionIsMeta: true,
    minimumContrastRatio: 4.5,
    scrollback: 5000,
    theme: themeOf(document.documentElement),
  });
  widthsOf11((widths) => term.unicode.register(bounded(widths)));
  // As the C library of the machine counts, not as letters are drawn: the cursor must be where the machine thinks it is.
  term.unicode.activeVersion = '11';
  findLinks(term, handler);
  return term;
}

/** The addon does not give its widths away, but to the terminal that it is loaded into. */
function widthsOf11(register: (widths: IUnicodeVersionProvider) => void): void {
  new Unicode11Addon().activate({ unicode: { register } } as unknown as Terminal);
}

/** Once it is open. Where there is no WebGL, or the browser takes it away, xterm.js draws with elements instead. */
export function drawWithWebGl(term: Terminal): void {
  const addon = new WebglAddon();
  addon.onContextLoss(() => addon.dispose());
  try {
    term.loadAddon(addon);
  } catch {
    addon.dispose();
  }
}
