// The demo's list of what the console told the panel: the newest first, words of the customer's machine left out.

import type { ConsoleGate, ConsoleGateDetails } from '../embed/embed.d.ts';
import { element } from '../ui/element.ts';

const MOST = 60;
const SHOWN: { readonly [N in keyof ConsoleGateDetails]: (detail: ConsoleGateDetails[N]) => string } = {
  ready: () => '',
  connecting: ({ stage }) => stage,
  connected: ({ sessionId, width, height }) => `${sessionId}${width ? `, ${width} × ${height}` : ''}`,
  reconnecting: ({ code, delayMs }) => `${code}, in ${Math.round(delayMs / 100) / 10} s`,
  waiting: ({ code, delayMs }) => `${code}, again in ${Math.round(delayMs / 100) / 10} s`,
  disconnected: ({ code }) => code,
  error: ({ code, message }) => `${code}: ${message}`,
  resize: ({ width, height }) => `${width} × ${height}`,
  state: ({ power }) => power,
  power: ({ action }) => action,
  latency: ({ rttMs }) => `${rttMs} ms`,
  clipboard: ({ text }) => `${text.length} characters`,
  focus: () => '',
  blur: () => '',
  'token-needed': ({ code }) => code,
};

export function eventLog(gate: ConsoleGate): HTMLElement {
  const list = element('ol', { class: 'events', tabindex: '0', 'aria-label': 'Events of the console' });
  const began = performance.now();
  const note = (name: string, text: string): void => {
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    list.prepend(element('li', {}, element('span', { class: 'when' }, `${seconds} s`), element('strong', {}, name), element('span', { class: 'what' }, text)));
    while (list.childElementCount > MOST) list.lastElementChild?.remove();
  };
  const follow = <N extends keyof ConsoleGateDetails>(name: N): void => {
    gate.addEventListener(name, (event) => note(name, SHOWN[name]((event as CustomEvent<ConsoleGateDetails[N]>).detail)));
  };
  for (const name of Object.keys(SHOWN) as (keyof ConsoleGateDetails)[]) follow(name);
  return element('aside', { class: 'log', 'aria-label': 'What the console tells this panel' }, element('h3', {}, 'Events'), list);
}
