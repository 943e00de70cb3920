// What the page's address says: the token, once, and how the page should look. Nothing else in it is looked at, so
// host, port, path or password parameters of other clients have no effect.

export type Theme = 'auto' | 'light' | 'dark';
export type Scale = 'fit' | 'remote' | 'off';

export interface Looks {
  readonly theme: Theme;
  readonly scale: Scale;
  readonly toolbar: boolean;
  readonly lang?: string;
}

/** Takes the token out of the address bar and of the history entry. */
export function takeToken(location: Location, history: History): string | undefined {
  const token = location.hash.slice(1);
  if (token === '') return undefined;
  history.replaceState(null, '', location.pathname + location.search);
  return token;
}

/** Without its bar the page is only for a panel that has one of its own: in a window of its own it keeps the bar, whoever wrote the link. */
export function looksOf(search: string, framed: boolean): Looks {
  const query = new URLSearchParams(search);
  const lang = query.get('lang');
  return {
    theme: themeOf(query.get('theme')) ?? 'auto',
    scale: oneOf(['fit', 'remote', 'off'], query.get('scale')) ?? 'fit',
    toolbar: !framed || query.get('toolbar') !== 'off',
    ...(lang ? { lang } : {}),
  };
}

export function themeOf(word: string | null): Theme | undefined {
  return oneOf(['auto', 'light', 'dark'], word);
}

function oneOf<T extends string>(words: readonly T[], word: string | null): T | undefined {
  return words.find((known) => known === word);
}
