// Text that a panel has typed into the machine: key by key into a picture, at once into a terminal. All of it or nothing,
// as far as that can be known before: a password without one of its letters is worse than none.

import { CommandError, type Obedient } from './commands.ts';
import { chosenLayout } from './keyboard/choice.ts';
import { isLayoutId, layoutFor, loadLayout, type LayoutId } from './keyboard/layout.ts';
import { missingFrom, tapsOf, type Tap } from './keyboard/typing.ts';
import { type } from './keyboard/typist.ts';
import type { Screen } from './screen/screen.ts';

const MOST_CHARACTERS = 10_000;
const LONGEST_DELAY_MS = 1000;

/** `layout`: that of the machine, by its id or a language; left out, that of the person. */
export async function dictate(page: Obedient, screen: Screen, text: string, layout?: string, delayMs?: number): Promise<void> {
  if (text.length > MOST_CHARACTERS || (delayMs !== undefined && !(delayMs >= 0 && delayMs <= LONGEST_DELAY_MS))) throw new CommandError('bad_argument');
  if (!screen.stroke) return screen.paste(text);
  const taps = async (): Promise<Iterable<Tap>> => {
    const keys = await loadLayout(layout === undefined ? await chosenLayout() : idOf(layout));
    if (missingFrom(text, keys).length > 0) throw new CommandError('untypable');
    return tapsOf(text, keys);
  };
  const hand = {
    takes: () => page.live === screen && !page.viewOnly,
    progress: () => undefined,
    pause: (ms: number) => new Promise<void>((next) => setTimeout(next, delayMs ?? ms)),
  };
  const outcome = await type(taps, 'normal', screen, hand, new AbortController().signal);
  if (outcome === 'busy') throw new CommandError('busy');
  if (outcome === 'stopped' || page.live !== screen) throw new CommandError('not_connected');
}

function idOf(layout: string): LayoutId {
  if (isLayoutId(layout)) return layout;
  const found = layoutFor([layout]);
  // What nobody knows falls back to US English, which is no answer to a wish for something else.
  if (found === 'en-us' && !/^en\b/i.test(layout)) throw new CommandError('bad_argument');
  return found;
}
