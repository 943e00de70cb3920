// Says in time that a console is about to close: with idle.ts as judge, the page's events as evidence, two notices to show.
//
// Runs only while connected. What the gateway cannot see as activity (a pointer over a terminal, anything of somebody who
// only watches, or in the bar) is told to it, or it would close what somebody looks at.

import { active, beginIdle, closesIn, lookIdle, nextStageIn, stageOf, told, type Idle } from './idle.ts';
import { fill } from './messages/catalogue.ts';
import type { Language } from './messages/languages.ts';
import type { Screen } from './screen/screen.ts';
import type { Opened } from './session.ts';
import { element } from './ui/element.ts';
import { Notice } from './ui/notice.ts';

/** What somebody does with a console. */
const DEEDS = ['keydown', 'pointerdown', 'pointermove', 'wheel', 'touchmove', 'paste', 'drop'] as const;

/** The gateway is told this often at the most, and often enough for the shortest limit. */
const TELL_MS = 15_000;

export interface Surroundings {
  language(): Language;
  /** The screen, while it is connected. */
  live(): Screen | undefined;
  viewOnly(): boolean;
  say(text: string): void;
  /** The notice that had the keyboard has gone. */
  handBack(): void;
}

export class Warnings {
  readonly root = element('div', { class: 'notes' });
  readonly #around: Surroundings;
  readonly #idleNotice = new Notice('idle-note', true, () => this.#stay());
  readonly #endsNotice = new Notice('ends-note', false, () => this.#dismiss());
  #pointer = '';
  #told = 0;
  #terminal = false;
  #idle: Idle | undefined;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;
  /** When the session ends, by the wall clock: a machine that slept has not stopped it. */
  #endsAt: number | undefined;
  #stage: number | undefined;
  #endsTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(page: HTMLElement, screen: HTMLElement, around: Surroundings) {
    this.#around = around;
    this.root.append(this.#endsNotice.root, this.#idleNotice.root);
    for (const deed of DEEDS) page.addEventListener(deed, (event) => this.#deed(event, screen), { capture: true, passive: true });
  }

  /** A session was granted: what its limits are from now on. */
  granted({ sessionMs, idleMs, console }: Opened): void {
    const endsAt = sessionMs === undefined ? undefined : Date.now() + sessionMs;
    if (endsAt === undefined || this.#endsAt === undefined || Math.abs(endsAt - this.#endsAt) > 5000) {
      this.#stage = sessionMs === undefined ? undefined : stageOf(sessionMs);
    }
    this.#endsAt = endsAt;
    this.#terminal = console.protocol === 'term';
    this.#idle = idleMs > 0 ? beginIdle(idleMs, Date.now()) : undefined;
  }

  connected(): void {
    if (this.#idle) this.#idle = beginIdle(this.#idle.limitMs, Date.now());
    this.#watchIdle();
    this.#watchEnd();
  }

  gone(): void {
    clearTimeout(this.#idleTimer);
    clearTimeout(this.#endsTimer);
    this.#idleNotice.hide();
    this.#endsNotice.hide();
  }

  #deed(event: Event, screen: HTMLElement): void {
    const still = isStill(event, this.#pointer);
    if (event instanceof PointerEvent) this.#pointer = placeOf(event);
    if (still || !this.#idle || !this.#around.live()) return;
    if (this.#idle.warning) return this.#stay();
    const onScreen = event.target instanceof Node && screen.contains(event.target);
    const sent = onScreen && !this.#around.viewOnly() && !(this.#terminal && !(event instanceof KeyboardEvent));
    // What the gateway has not seen counts only when it has been told, or it would close before the warning says so.
    if (sent || this.#tell(Math.min(TELL_MS, this.#idle.limitMs / 4))) this.#acted();
  }

  /** Somebody is there, and the gateway knows. */
  #acted(): void {
    if (!this.#idle) return;
    if (this.#idle.warning) return this.#stay();
    this.#idle = active(this.#idle, Date.now());
  }

  #stay(): void {
    if (!this.#idle) return;
    const { ui } = this.#around.language().catalogue;
    this.#tell(0);
    this.#idle = active(this.#idle, Date.now());
    this.#around.say(ui.stayed);
    if (this.#idleNotice.hide()) this.#around.handBack();
    this.#watchIdle();
  }

  /** Whether it was told now. */
  #tell(atMostEveryMs: number): boolean {
    const now = Date.now();
    if (now - this.#told < atMostEveryMs) return false;
    this.#told = now;
    this.#around.live()?.stay();
    return true;
  }

  #watchIdle(): void {
    clearTimeout(this.#idleTimer);
    if (!this.#idle || !this.#around.live()) return;
    const now = Date.now();
    const { idle, ms } = lookIdle(this.#idle, now);
    this.#idle = idle;
    if (idle.warning) this.#warnIdle(closesIn(idle, now));
    this.#idleTimer = setTimeout(() => this.#watchIdle(), ms);
  }

  #warnIdle(leftMs: number): void {
    const { ui } = this.#around.language().catalogue;
    const detail = fill(ui.idleDetail, { time: this.#time(leftMs) });
    if (!this.#idleNotice.shown) this.#around.say(`${ui.idleTitle} ${detail}`);
    this.#idleNotice.show({ title: ui.idleTitle, detail, button: ui.stay });
  }

  #watchEnd(): void {
    clearTimeout(this.#endsTimer);
    if (this.#endsAt === undefined || !this.#around.live()) return;
    const left = Math.max(this.#endsAt - Date.now(), 0);
    const stage = stageOf(left);
    if (stage !== this.#stage || this.#endsNotice.shown) this.#warnEnd(left, stage !== this.#stage);
    this.#stage = stage;
    this.#endsTimer = setTimeout(() => this.#watchEnd(), Math.min(nextStageIn(left), 2 ** 31 - 1));
  }

  #warnEnd(leftMs: number, aloud: boolean): void {
    const { ui } = this.#around.language().catalogue;
    const title = fill(ui.endsTitle, { time: this.#time(leftMs) });
    if (aloud) this.#around.say(`${title}. ${ui.endsDetail}`);
    this.#endsNotice.show({ title, detail: ui.endsDetail, button: ui.dismiss });
  }

  #dismiss(): void {
    if (this.#endsNotice.hide()) this.#around.handBack();
  }

  #time(leftMs: number): string {
    const { unit, count } = told(leftMs);
    return new Intl.NumberFormat(this.#around.language().tag, { style: 'unit', unit, unitDisplay: 'long' }).format(count);
  }
}

/** Browsers report a pointer that lies still when something appears under it. */
function isStill(event: Event, before: string): boolean {
  return event instanceof PointerEvent && event.type === 'pointermove' && placeOf(event) === before;
}

function placeOf(event: PointerEvent): string {
  return `${event.screenX} ${event.screenY}`;
}
