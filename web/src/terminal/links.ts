// Addresses in the machine's output. Whoever writes there may lie about where a link leads (OSC 8), so the true address is
// shown while the pointer is on it, and only Ctrl or Command with a click opens it: in a window that knows nothing of this one.

import type { ILinkHandler, Terminal } from '@xterm/xterm';
import { WebLinksAddon } from '@xterm/addon-web-links';

/** For links by OSC 8; `hint` says how a link is opened. Schemes other than http and https are not links to xterm.js. */
export function linkHandler(target: HTMLElement, hint: string): ILinkHandler {
  return {
    activate: (event, address) => open(event, address),
    hover: (_event, address) => {
      const url = webAddress(address);
      if (url) target.title = `${url}\n${hint}`;
    },
    leave: () => target.removeAttribute('title'),
    allowNonHttpProtocols: false,
  };
}

/** For addresses that are written out. */
export function findLinks(terminal: Terminal, handler: ILinkHandler): void {
  const nowhere = { start: { x: 0, y: 0 }, end: { x: 0, y: 0 } };
  const addon = new WebLinksAddon((event, address) => open(event, address), {
    hover: (event, address) => handler.hover?.(event, address, nowhere),
    leave: (event, address) => handler.leave?.(event, address, nowhere),
  });
  terminal.loadAddon(addon);
}

/** The address in full and in ASCII, so that letters which only look like others are seen. */
export function webAddress(address: string): string | undefined {
  try {
    const url = new URL(address);
    return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : undefined;
  } catch {
    return undefined;
  }
}

function open(event: MouseEvent, address: string): void {
  const url = webAddress(address);
  if (url && (event.ctrlKey || event.metaKey)) window.open(url, '_blank', 'noopener,noreferrer');
}
