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

/** For the sizes that browsers report after a change of size. */
const SETTLED_MS = 60;
/** Pixels of the device that rounding may cost. */
const ROUNDING = 4;

/**
 * Once it is open. Where there is no WebGL, or the browser takes it away, xterm.js draws with elements instead; also where
 * the browser tells a size of the canvas that is not its own, as device emulation does, because nothing would be seen then.
 * Returns what ends the watch over that.
 */
export function drawWithWebGl(term: Terminal, box: HTMLElement): () => void {
  const addon = new WebglAddon();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const end = (): void => clearTimeout(timer);
  const plain = (): void => {
    end();
    watch.dispose();
    addon.dispose();
  };
  const look = (): void => {
    const canvas = [...box.querySelectorAll<HTMLCanvasElement>('.xterm-screen > canvas')].find((each) => each.className === '');
    if (canvas && isOff(canvas)) plain();
  };
  const soon = (): void => {
    end();
    timer = setTimeout(look, SETTLED_MS);
  };
  const watch = term.onResize(soon);
  addon.onContextLoss(plain);
  try {
    term.loadAddon(addon);
    soon();
  } catch {
    plain();
  }
  return end;
}

/** The canvas has other pixels than the screen has where it stands. */
function isOff(canvas: HTMLCanvasElement): boolean {
  const { width, height } = canvas.getBoundingClientRect();
  return width > 0 && [canvas.width - width * devicePixelRatio, canvas.height - height * devicePixelRatio].some((off) => Math.abs(off) > ROUNDING);
}
