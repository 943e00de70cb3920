// What may be done in this console and how it looks: the address, the token and the panel around the page, weighed against
// each other. Rights only ever come from the token; the gateway looks at them again.

import { looksOf, themeOf, type Looks, type Scale, type Theme } from './address.ts';
import type { Opened } from './session.ts';

export class Terms {
  readonly looks: Looks = looksOf(location.search, window.parent !== window);
  opened: Opened | undefined;
  /** What the panel asked for: it goes before the token and the address, and stays when the token is another. */
  readonly asked: { theme?: Theme; lang?: string; viewOnly: boolean } = { viewOnly: false };
  /** What the person or the panel would like; a right may be missing for it. */
  wish: Scale = this.looks.scale;

  may(right: string): boolean {
    return this.opened?.console.rights.includes(right) ?? false;
  }

  get viewOnly(): boolean {
    return this.asked.viewOnly || !this.may('input');
  }

  get scale(): Scale {
    return this.wish === 'remote' && !this.may('resize') ? 'fit' : this.wish;
  }

  get theme(): Theme {
    return this.asked.theme ?? themeOf(this.opened?.console.theme ?? null) ?? this.looks.theme;
  }

  /** The first that there is, is spoken. */
  get languages(): readonly (string | null | undefined)[] {
    return [this.asked.lang, this.opened?.console.lang, this.looks.lang, ...navigator.languages];
  }
}
