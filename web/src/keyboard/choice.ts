// Which layout a person types with: what was chosen before, else a guess. Storage may be forbidden; then it is a guess again.

import { fits, isLayoutId, layoutFor, loadLayout, type LayoutId } from './layout.ts';

const STORED = 'consolegate.layout';

interface Board {
  getLayoutMap?(): Promise<ReadonlyMap<string, string>>;
}

/** Keyboards that people of many languages use, asked after their own. */
const COMMON = ['en-US', 'en-GB', 'de', 'fr', 'es', 'pt-BR', 'it'];

export async function chosenLayout(): Promise<LayoutId> {
  return remembered() ?? (await told()) ?? layoutFor(navigator.languages);
}

export function remember(id: LayoutId): void {
  try {
    localStorage.setItem(STORED, id);
  } catch {
    return;
  }
}

function remembered(): LayoutId | undefined {
  try {
    const id = localStorage.getItem(STORED);
    return id !== null && isLayoutId(id) ? id : undefined;
  } catch {
    return undefined;
  }
}

/** Chromium says what is on the keys, unless a frame may not ask. */
async function told(): Promise<LayoutId | undefined> {
  try {
    const board = await (navigator as { keyboard?: Board }).keyboard?.getLayoutMap?.();
    if (!board) return undefined;
    const likely = new Set([...navigator.languages, ...COMMON].map((tag) => layoutFor([tag])));
    for (const id of likely) if (fits(await loadLayout(id), board)) return id;
  } catch {
    return undefined;
  }
  return undefined;
}
