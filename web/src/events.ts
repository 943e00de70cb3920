// What happens in the page, under the names an embedding panel knows. One dispatcher; whoever passes events on to a
// parent window must send them to an exact origin.

import type { Stage } from './connection.ts';

export interface Events {
  ready: Record<string, never>;
  connecting: { stage: Stage; attempt: number };
  connected: { sessionId: string; kind: string };
  reconnecting: { code: string; attempt: number; delayMs: number };
  waiting: { code: string; attempt: number; delayMs: number };
  disconnected: { code: string; close?: number; ref?: string; again: boolean };
  focus: Record<string, never>;
  blur: Record<string, never>;
}

export type EventName = keyof Events;
type Listener<N extends EventName> = (detail: Events[N]) => void;

export class Dispatcher {
  readonly #listeners = new Map<EventName, Set<Listener<never>>>();

  on<N extends EventName>(name: N, listener: Listener<N>): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    listeners.add(listener as Listener<never>);
    return () => listeners.delete(listener as Listener<never>);
  }

  emit<N extends EventName>(name: N, detail: Events[N]): void {
    for (const listener of this.#listeners.get(name) ?? []) (listener as Listener<N>)(detail);
  }
}
