// What happens in the page, under the names an embedding panel knows. One dispatcher; whoever passes events on to a
// parent window must send them to an exact origin.

import type { Stage } from './connection.ts';

type Nothing = Record<string, never>;

/** The names and details are public (EMBED.md): keys are added, never renamed. */
export interface Events {
  /** Messages to and from the panel pass; only a panel hears it. */
  ready: Nothing;
  connecting: { stage: Stage; attempt: number };
  connected: { sessionId: string; kind: string; protocol: string; width?: number; height?: number };
  reconnecting: { code: string; attempt: number; delayMs: number };
  waiting: { code: string; attempt: number; delayMs: number };
  /** `clean`: wanted or due; `retryable`: the page offers a way back without a new token. */
  disconnected: { code: string; message: string; clean: boolean; retryable: boolean; close?: number; ref?: string };
  /** The words are those the person sees. */
  error: { code: string; message: string; hint: string; ref?: string };
  resize: { width: number; height: number };
  /** The machine: `running`, `stopped`, `locked`, .. */
  state: { power: string };
  /** The person asked for it. `done`: the gateway took it; false: nothing happened and the panel may do it. Left out: nobody knows. */
  power: { action: string; done?: boolean; code?: string };
  latency: { rttMs: number };
  /** The machine's clipboard; only with the right to it. */
  clipboard: { text: string };
  focus: Nothing;
  blur: Nothing;
  /** `automatic`: a new token may be fetched without asking the person, who has not been idle or thrown out. */
  'token-needed': { code: string; automatic: boolean };
}

export type EventName = keyof Events;
type Listener<N extends EventName> = (detail: Events[N]) => void;
type Everything = (name: EventName, detail: Events[EventName]) => void;

export class Dispatcher {
  readonly #listeners = new Map<EventName, Set<Listener<never>>>();
  readonly #all = new Set<Everything>();

  on<N extends EventName>(name: N, listener: Listener<N>): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    listeners.add(listener as Listener<never>);
    return () => listeners.delete(listener as Listener<never>);
  }

  onAll(listener: Everything): void {
    this.#all.add(listener);
  }

  emit<N extends EventName>(name: N, detail: Events[N]): void {
    for (const listener of this.#listeners.get(name) ?? []) (listener as Listener<N>)(detail);
    for (const listener of this.#all) listener(name, detail);
  }
}
