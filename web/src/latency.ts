// How long the console service takes to answer, asked every few seconds while somebody looks. The question is the one for
// its health: it goes the way of the console, but not on to the machine's host.

const EVERY_MS = 15_000;

export class Latency {
  readonly #url: string;
  readonly #tell: (ms: number | undefined) => void;
  #timer: ReturnType<typeof setInterval> | undefined;
  #asking: AbortController | undefined;

  constructor(base: URL, tell: (ms: number | undefined) => void) {
    this.#url = new URL('healthz', base).href;
    this.#tell = tell;
  }

  /** Asks at once, and on until it is told otherwise. */
  run(on: boolean): void {
    if (on === (this.#timer !== undefined)) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#asking?.abort();
    if (!on) return this.#tell(undefined);
    this.#timer = setInterval(() => void this.#ask(), EVERY_MS);
    void this.#ask();
  }

  /** An answer that has not come until the next question never comes. */
  async #ask(): Promise<void> {
    this.#asking?.abort();
    if (document.visibilityState !== 'visible') return;
    const { signal } = (this.#asking = new AbortController());
    const ms = await measure(this.#url, signal);
    if (!signal.aborted) this.#tell(ms);
  }
}

async function measure(url: string, signal: AbortSignal): Promise<number | undefined> {
  const began = performance.now();
  try {
    const { ok } = await fetch(url, { cache: 'no-store', credentials: 'omit', redirect: 'error', referrerPolicy: 'no-referrer', signal });
    const ms = timed(url, began) ?? performance.now() - began;
    return ok ? Math.max(1, Math.round(ms)) : undefined;
  } catch {
    return undefined;
  }
}

/** From the question to the first of the answer, without the time for a new connection, where the browser has noted it. */
function timed(url: string, began: number): number | undefined {
  const entry = performance.getEntriesByName(url, 'resource').at(-1);
  performance.clearResourceTimings();
  if (!(entry instanceof PerformanceResourceTiming) || entry.startTime < began || entry.requestStart === 0) return undefined;
  return entry.responseStart - entry.requestStart;
}
