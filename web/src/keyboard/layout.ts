// The keyboard layouts that text can be typed with: which there are, and which one a person most likely has. The tables
// themselves are modules of their own (keymaps.mjs derives them), fetched one by one when they are chosen.

/** Keysym, code of the physical key, and what is held with it: 1 Shift, 2 AltGr, 3 both. */
export type Place = readonly [keysym: number, code: string, held: number];

export interface Layout {
  readonly keys: Readonly<Record<string, Place>>;
  /** Dead keys by the combining accent that they put on the next letter. */
  readonly dead: Readonly<Record<string, Place>>;
}

interface Entry {
  /** BCP 47: names the layout in the reader's language. */
  readonly tag: string;
  readonly noDeadKeys?: true;
  readonly load: () => Promise<{ readonly default: Layout }>;
}

export const LAYOUTS = {
  'en-us': { tag: 'en-US', load: () => import('layout:en-us') },
  'en-gb': { tag: 'en-GB', load: () => import('layout:en-gb') },
  ar: { tag: 'ar', load: () => import('layout:ar') },
  cz: { tag: 'cs', load: () => import('layout:cz') },
  da: { tag: 'da', load: () => import('layout:da') },
  de: { tag: 'de', load: () => import('layout:de') },
  'de-nodeadkeys': { tag: 'de', noDeadKeys: true, load: () => import('layout:de-nodeadkeys') },
  'de-ch': { tag: 'de-CH', load: () => import('layout:de-ch') },
  es: { tag: 'es', load: () => import('layout:es') },
  fi: { tag: 'fi', load: () => import('layout:fi') },
  fo: { tag: 'fo', load: () => import('layout:fo') },
  fr: { tag: 'fr', load: () => import('layout:fr') },
  'fr-nodeadkeys': { tag: 'fr', noDeadKeys: true, load: () => import('layout:fr-nodeadkeys') },
  'fr-be': { tag: 'fr-BE', load: () => import('layout:fr-be') },
  'fr-ca': { tag: 'fr-CA', load: () => import('layout:fr-ca') },
  'fr-ch': { tag: 'fr-CH', load: () => import('layout:fr-ch') },
  hr: { tag: 'hr', load: () => import('layout:hr') },
  hu: { tag: 'hu', load: () => import('layout:hu') },
  is: { tag: 'is', load: () => import('layout:is') },
  it: { tag: 'it', load: () => import('layout:it') },
  ja: { tag: 'ja', load: () => import('layout:ja') },
  lt: { tag: 'lt', load: () => import('layout:lt') },
  lv: { tag: 'lv', load: () => import('layout:lv') },
  mk: { tag: 'mk', load: () => import('layout:mk') },
  nl: { tag: 'nl', load: () => import('layout:nl') },
  pl: { tag: 'pl', load: () => import('layout:pl') },
  pt: { tag: 'pt-PT', load: () => import('layout:pt') },
  'pt-br': { tag: 'pt-BR', load: () => import('layout:pt-br') },
  ru: { tag: 'ru', load: () => import('layout:ru') },
  th: { tag: 'th', load: () => import('layout:th') },
  tr: { tag: 'tr', load: () => import('layout:tr') },
} satisfies Record<string, Entry>;

export type LayoutId = keyof typeof LAYOUTS;

export function isLayoutId(id: string): id is LayoutId {
  return Object.hasOwn(LAYOUTS, id);
}

export async function loadLayout(id: LayoutId): Promise<Layout> {
  return (await LAYOUTS[id].load()).default;
}

/** `de-AT` finds German; a wish for a language without a layout of its own is passed over. */
export function layoutFor(wishes: readonly string[]): LayoutId {
  const ids = Object.keys(LAYOUTS).filter(isLayoutId);
  for (const wish of wishes) {
    const tag = wish.toLowerCase();
    const found =
      ids.find((id) => LAYOUTS[id].tag.toLowerCase() === tag) ??
      ids.find((id) => LAYOUTS[id].tag.toLowerCase().split('-')[0] === tag.split('-')[0]);
    if (found) return found;
  }
  return 'en-us';
}

/** What some keys of the person's own keyboard say, where the browser tells; it knows better than the language. */
export function fits(layout: Layout, board: ReadonlyMap<string, string>): boolean {
  const told = [...board].filter(([, char]) => [...char].length === 1);
  const same = told.filter(([code, char]) => layout.keys[char]?.[1] === code || layout.dead[accentOf(char)]?.[1] === code);
  return told.length > 0 && same.length >= told.length * 0.9;
}

/** A key map shows a dead key as its accent standing alone. */
export function accentOf(char: string): string {
  return ACCENTS[char] ?? '';
}

const ACCENTS: Readonly<Record<string, string>> = { '^': '\u0302', '`': '\u0300', '~': '\u0303', '´': '\u0301', '¨': '\u0308' };
