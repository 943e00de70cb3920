// Runs the machine of connection.ts against the world: attempts, timers, and the one token in hand.
//
// The token (connect, later resume) lives here, in memory, and nowhere else.

import { attempt, type Attempt } from './attempt.ts';
import { askGuest } from './guest.ts';
import { IDLE, step, type Effect, type Event, type State } from './connection.ts';
import { planFor, type Ending } from './reasons.ts';
import type { OpenScreen, Screen, ScreenHooks } from './screen/screen.ts';
import { isConnectToken, TOKEN_REJECTED, type Opened } from './session.ts';

export interface Stage {
  /** A session was granted; the first of a token, or one more for a reconnect. */
  accepted(opened: Opened): void;
  makeScreen(open: OpenScreen, channel: WebSocket, opened: Opened, hooks: ScreenHooks): Screen;
  /** The screen is about to go; `brief`: another is likely to follow soon. */
  losing(brief: boolean): void;
  changed(state: State, before: State): void;
}

export class Runner {
  readonly #base: URL;
  readonly #stage: Stage;
  #state: State = IDLE;
  #token: string | undefined;
  #resumeMs: number | undefined;
  #session: string | undefined;
  /** The attempt under way began with a session to resume. */
  #returning = false;
  #control: string | undefined;
  #question: AbortController | undefined;
  #attempt: Attempt | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(base: URL, stage: Stage) {
    this.#base = base;
    this.#stage = stage;
  }

  get state(): State {
    return this.#state;
  }

  /** Begins with this token, whatever went before. */
  start(token: string | undefined): void {
    this.#token = token;
    this.#resumeMs = undefined;
    this.#session = undefined;
    this.#control = undefined;
    if (token === undefined) this.#stop('no_token');
    else this.#apply({ type: 'start', at: clock() });
  }

  now(): void {
    this.#apply({ type: 'now', at: clock() });
  }

  again(): void {
    this.#apply({ type: 'again', at: clock() });
  }

  cancel(): void {
    this.#stop('cancelled');
  }

  disconnect(): void {
    this.#stop('disconnected');
  }

  #stop(code: 'no_token' | 'cancelled' | 'disconnected'): void {
    this.#apply({ type: 'stop', why: { code }, resumable: this.#token !== undefined });
  }

  #apply(event: Event): void {
    const before = this.#state;
    const [state, effect] = step(before, event, Math.random());
    if (state === before && effect === undefined) return;
    this.#state = state;
    this.#stage.changed(state, before);
    if (effect) this.#act(effect);
    if (state.name === 'ended') this.#settle(state.again);
  }

  #act(effect: Effect): void {
    clearTimeout(this.#timer);
    this.#question?.abort();
    if (effect.do === 'sleep') {
      this.#timer = setTimeout(() => this.#apply({ type: 'due', at: clock(), hidden: document.hidden }), effect.ms);
      return;
    }
    if (effect.do === 'ask') return this.#ask();
    this.#attempt?.close();
    this.#attempt = undefined;
    if (effect.do === 'open' && this.#token !== undefined) this.#open(this.#token);
  }

  #open(token: string): void {
    this.#returning = this.#session !== undefined;
    if (!this.#returning && !isConnectToken(token)) return this.#lost(TOKEN_REJECTED);
    this.#attempt = attempt(this.#base, token, {
      stage: (stage) => this.#apply({ type: 'stage', stage }),
      opened: (opened) => {
        this.#token = opened.resume;
        this.#resumeMs = opened.resumeMs;
        this.#session = opened.session;
        this.#control = opened.control;
        this.#stage.accepted(opened);
      },
      screen: (open, channel, opened, hooks) => this.#stage.makeScreen(open, channel, opened, hooks),
      connected: () => this.#apply({ type: 'connected', at: clock() }),
      lost: (why) => this.#lost(why),
    });
  }

  /** A cut comes without a reference; the session is what support can look for then. */
  #lost(told: Ending): void {
    const ending = this.#understood(told);
    const plan = planFor(ending);
    const why = ending.ref === undefined && this.#session !== undefined ? { ...ending, ref: this.#session } : ending;
    if (plan === 'over') this.#token = undefined;
    this.#stage.losing(plan === 'reconnect' || plan === 'herd');
    this.#apply({
      type: 'lost',
      at: clock(),
      why,
      resumable: this.#token !== undefined,
      keepMs: this.#resumeMs,
      watched: this.#control !== undefined,
      hidden: document.hidden,
    });
  }

  /** A way back that no longer opens was not cut short by anybody: the gateway has another key now. */
  #understood(ending: Ending): Ending {
    return ending.code === 'token_rejected' && this.#returning ? { ...ending, code: 'resume_expired' } : ending;
  }

  #ask(): void {
    if (this.#session === undefined || this.#control === undefined) return;
    const question = new AbortController();
    this.#question = question;
    void askGuest(this.#base, this.#session, this.#control, question.signal).then((guest) => {
      if (question.signal.aborted) return;
      if (guest === 'unoffered') this.#control = undefined;
      this.#apply({ type: 'guest', at: clock(), guest });
    });
  }

  /** Nothing is kept that is of no use: without a way back the token goes at once, else when the gateway forgets it. */
  #settle(again: boolean): void {
    clearTimeout(this.#timer);
    if (!again) [this.#token, this.#control] = [undefined, undefined];
    else if (this.#resumeMs !== undefined) {
      this.#timer = setTimeout(() => this.#apply({ type: 'expired' }), this.#resumeMs);
    }
  }
}

/** The clock of every `at`, `due` and `began`. */
export function clock(): number {
  return performance.now();
}
