// Switching the machine: asks the person first, then the gateway, and tells both what came of it. Owns that a question about
// one session is never answered for another; what may be switched is the gateway's to decide.

import { fill, wordsFor } from '../messages/catalogue.ts';
import { askPower, type Power } from '../power.ts';
import type { Ending } from '../reasons.ts';
import { confirm } from './confirm.ts';
import type { Bench } from './desk.ts';

/** Their own words say that nothing happened. */
const NOTHING_HAPPENED = ['power_refused', 'power_pace'];

export class Switching {
  readonly #bench: Bench;
  /** What was said last of an order, and how the machine was when last known. */
  #said = '';
  #machine: string | undefined;
  #question: { readonly session: string; readonly away: AbortController } | undefined;

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  /** After every change of state: a question goes with its session, and an order that is done is no news. */
  follow(): void {
    if (this.#question && !this.#isHere(this.#question.session)) this.drop();
    const { machine } = this.#bench.look();
    if (machine !== undefined && machine !== this.#machine) this.#bench.toast.drop(this.#said);
    this.#machine = machine ?? this.#machine;
  }

  /** The question is answered with no. */
  drop(): void {
    this.#question?.away.abort();
  }

  async press(action: Power): Promise<void> {
    const session = this.#bench.opened()?.session;
    if (session === undefined || (action !== 'start' && !(await this.#sure(action, session)))) return;
    const opened = this.#bench.opened();
    if (opened?.session !== session) return;
    if (!opened.control) return this.#elsewhere(action);
    const why = await askPower(this.#bench.base, session, opened.control, action);
    if (!this.#isHere(session)) return;
    if (why) return this.#failed(action, why);
    this.#bench.events.emit('power', { action, done: true });
    this.#said = this.#bench.language().catalogue.tools[`${action}Asked`];
    this.#bench.toast.say(this.#said);
    if (action === 'start') this.#bench.lookNow();
  }

  async #sure(action: Exclude<Power, 'start'>, session: string): Promise<boolean> {
    const { tools, ui } = this.#bench.language().catalogue;
    const title = fill(tools[`${action}Title`], { title: this.#bench.look().title });
    const question = (this.#question = { session, away: new AbortController() });
    const sure = await confirm(this.#bench.root, { title, detail: tools[`${action}Detail`], yes: tools[action], no: ui.cancel }, question.away.signal);
    if (this.#question === question) this.#question = undefined;
    return sure;
  }

  /** What this session cannot do at all, the panel around the page may. */
  #elsewhere(action: Power): void {
    this.#bench.events.emit('power', { action, done: false });
    this.#bench.toast.say(this.#bench.language().catalogue.tools.powerElsewhere);
  }

  /** A panel may only do it instead where certainly nothing happened; after a press too soon it has been told of the first. */
  #failed(action: Power, why: Ending): void {
    const { code, ref } = why;
    if (code !== 'power_pace') this.#bench.events.emit('power', { action, code, ...(code === 'power_refused' ? { done: false } : {}) });
    const { catalogue } = this.#bench.language();
    const { title, detail } = wordsFor(catalogue, why);
    const advice = NOTHING_HAPPENED.includes(code) ? detail : catalogue.tools.powerUnknown;
    this.#bench.toast.say([`${title}. ${advice}`, ...(ref === undefined ? [] : [`${catalogue.ui.reference} ${ref}`])].join(' '));
  }

  #isHere(session: string): boolean {
    return this.#bench.opened()?.session === session;
  }
}
