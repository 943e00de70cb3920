// How many combining marks one cell takes. xterm.js adds each mark to the cell before it, however many there are, and a cell
// of eight million takes half a gigabyte. No writing puts more than a few on a letter.

import type { IUnicodeVersionProvider } from '@xterm/xterm';

/** More than any writing, and than the tags of a flag. */
const MOST_MARKS = 16;

/** xterm.js keeps of the character before: bit 0 whether it joined, bits 1 and 2 its width, above them what a provider likes. */
const JOINED = 1;
const NARROW = 1 << 1;
const RUN = 3;

/** The widths of a version of Unicode; a mark too many begins a cell of its own. */
export function bounded(widths: IUnicodeVersionProvider): IUnicodeVersionProvider {
  return {
    version: widths.version,
    wcwidth: (code) => widths.wcwidth(code),
    charProperties: (code, before) => {
      const own = widths.charProperties(code, before);
      if ((own & JOINED) === 0) return own;
      const run = (before >> RUN) + 1;
      return run > MOST_MARKS ? NARROW : own | (run << RUN);
    },
  };
}
