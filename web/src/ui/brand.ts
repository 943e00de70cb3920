// The brand of the panel's customers on the page: name, logo, and an accent colour that is never let spoil a text.
//
// An accent goes on surfaces as it is. As the colour of text it is used only where it has a contrast of 4.5 with the surface
// (WCAG 1.4.3), as the mark of the focus where it has 3 (1.4.11); elsewhere the page's own colour stays.

import type { Brand } from '../session.ts';
import { element } from './element.ts';

const TEXT = 4.5;
const SHAPE = 3;
const LIGHT_INK = '#ffffff';
/** Black itself: of the two, one then always has the contrast. */
const DARK_INK = '#000000';

/** The surfaces of colours.css that an accent may stand on, those nearest to it in brightness. */
export const SURFACES = { light: ['#ffffff', '#eef1f4', '#eef2f5'], dark: ['#0c0f12', '#191e24', '#222931'] } as const;

export interface Accent {
  readonly accent: string;
  /** Text on the accent. */
  readonly on: string;
  /** The accent as text and as the focus' mark; undefined: too faint for it. */
  readonly text: string | undefined;
  readonly focus: string | undefined;
}

export function accentOn(accent: string, surfaces: readonly string[]): Accent {
  const worst = Math.min(...surfaces.map((surface) => contrast(accent, surface)));
  return {
    accent,
    on: contrast(accent, LIGHT_INK) >= TEXT ? LIGHT_INK : DARK_INK,
    text: worst >= TEXT ? accent : undefined,
    focus: worst >= SHAPE ? accent : undefined,
  };
}

/** WCAG's contrast ratio of two colours `#rrggbb`: 1 to 21. */
export function contrast(one: string, other: string): number {
  const [a, b] = [luminance(one), luminance(other)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Colours for the whole page, or the page's own again. */
export function wear(root: HTMLElement, brand: Brand | null): void {
  const light = brand?.accent ?? brand?.accentDark;
  const dark = brand?.accentDark ?? brand?.accent;
  paint(root, 'light', light ? accentOn(light, SURFACES.light) : undefined);
  paint(root, 'dark', dark ? accentOn(dark, SURFACES.dark) : undefined);
}

/** Nothing that belongs to the brand is overwritten in the style sheet's own variables: they fall back to the page's colours. */
function paint(root: HTMLElement, theme: keyof typeof SURFACES, accent: Accent | undefined): void {
  const ink = 'var(--cg-fg)';
  const values = accent
    ? { accent: accent.accent, 'on-accent': accent.on, 'accent-text': accent.text ?? ink, focus: accent.focus ?? ink, edge: accent.focus ? 'transparent' : 'var(--cg-soft)' }
    : { accent: '', 'on-accent': '', 'accent-text': '', focus: '', edge: '' };
  for (const [name, value] of Object.entries(values)) {
    if (value === '') root.style.removeProperty(`--cg-brand-${theme}-${name}`);
    else root.style.setProperty(`--cg-brand-${theme}-${name}`, value);
  }
}

/** The logo, or nothing; one that cannot be loaded leaves no hole. */
export function logoOf(brand: Brand | null): HTMLImageElement | undefined {
  if (!brand?.logo) return undefined;
  const logo = element('img', { class: 'logo', src: brand.logo, alt: brand.name ?? '', decoding: 'async' });
  logo.addEventListener('error', () => logo.remove());
  return logo;
}
