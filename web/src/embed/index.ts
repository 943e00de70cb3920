// The embed SDK as the gateway serves it at /embed.js: an ES module that defines <console-gate>. Its types are in embed.d.ts.

import { ConsoleGate } from './element.ts';

export { ConsoleGate };
export { ConsoleGateError } from './errors.ts';

const NAME = 'console-gate';

// A panel with two gateways loads this twice; the first one serves both.
if (!customElements.get(NAME)) customElements.define(NAME, ConsoleGate);

export interface MountOptions {
  src?: string;
  fetchToken?: () => Promise<string>;
  theme?: string;
  lang?: string;
  scale?: string;
  toolbar?: string;
  title?: string;
  viewOnly?: boolean;
  autofocus?: boolean;
}

/** Puts a console into an element of the panel. The handle is the <console-gate> itself; `remove()` takes it away. */
export function mount(parent: Element, options: MountOptions): ConsoleGate {
  const { fetchToken, viewOnly, autofocus, ...attributes } = options;
  const gate = document.createElement(NAME) as ConsoleGate;
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) gate.setAttribute(name, value);
  gate.toggleAttribute('view-only', viewOnly === true);
  gate.toggleAttribute('autofocus', autofocus === true);
  if (fetchToken) gate.fetchToken = fetchToken;
  parent.append(gate);
  return gate;
}
