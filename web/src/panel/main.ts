// The demo's hosting panel: a list of machines, and a console of one of them in a frame. It stands on an origin of its
// own, as a customer's panel would, and knows the gateway only by the link that POST /open/<id> answers: from there it
// also takes the SDK.

import type { ConsoleGate } from '../embed/embed.d.ts';
import { element } from '../ui/element.ts';
import { eventLog } from './log.ts';

interface Guest {
  /** A machine may stand in the list more than once: by screen, by terminal, to watch only. */
  readonly id?: string;
  readonly vmid: number;
  readonly name: string;
  readonly kind: string;
  readonly protocol: string;
  readonly rights?: readonly string[];
  readonly state: string;
  readonly description: string;
}

const KINDS: Readonly<Record<string, string>> = { qemu: 'VM', lxc: 'Container', node: 'Host' };
/** What a machine is called while an order that the gateway took is carried out. */
const ORDERED: Readonly<Record<string, string>> = { start: 'starting', shutdown: 'shutting down', stop: 'stopping' };
const REFRESH_MS = 5000;

const list = element('ul', { class: 'guests' });
const viewer = element('main', { class: 'viewer', 'aria-label': 'Console' });
/** Beside what was pressed: the buttons of a console, or the list. */
const notice = element('p', { class: 'notice', role: 'status' });
const app = element(
  'div',
  { class: 'panel' },
  element('header', { class: 'head' }, element('h1', {}, 'Example Hosting'), element('span', { class: 'origin' }, location.host)),
  element('nav', { class: 'side', 'aria-label': 'Your machines' }, element('h2', {}, 'Your machines'), list),
  viewer,
);
let guests: readonly Guest[] = [];
/** What the open console told of its machine since the list came. */
const told = new Map<number, string>();
let shown = '';
let again: ReturnType<typeof setTimeout> | undefined;
let current: string | undefined;

welcome();
document.body.append(app);
void refresh();

async function refresh(): Promise<void> {
  try {
    guests = (await ask('guests.json')) as readonly Guest[];
    told.clear();
    if (notice.dataset['from'] === 'list') say('');
    draw();
  } catch {
    say('The demo does not answer.', 'list');
  }
  clearTimeout(again);
  again = setTimeout(() => void refresh(), REFRESH_MS);
}

/** The console sees at once what the list asks for every few seconds. */
function follow(guest: Guest, gate: ConsoleGate): void {
  const set = (state: string): void => {
    told.set(guest.vmid, state);
    draw();
  };
  gate.addEventListener('state', ({ detail }) => set(detail.power));
  gate.addEventListener('power', ({ detail: { action, done } }) => {
    const state = done === true ? ORDERED[action] : undefined;
    if (state !== undefined) set(state);
  });
}

/** Leaves the list alone where nothing changed: the focus may be in it. */
function draw(): void {
  const text = JSON.stringify([guests, current, [...told]]);
  if (text === shown) return;
  shown = text;
  const focused = (document.activeElement as HTMLElement | null)?.dataset['vmid'];
  list.replaceChildren(...guests.map(card));
  if (focused) list.querySelector<HTMLElement>(`[data-vmid="${CSS.escape(focused)}"]`)?.focus();
}

function card(guest: Guest): HTMLElement {
  const button = element('button', { type: 'button', class: 'open', 'data-vmid': keyOf(guest) }, 'Open console');
  button.setAttribute('aria-label', `Open console of ${guest.name}`);
  button.addEventListener('click', () => void open(guest));
  const how = guest.protocol === 'term' ? 'text console' : 'graphical console';
  const only = guest.rights && !guest.rights.includes('input') ? ', to watch only' : '';
  const state = told.get(guest.vmid) ?? guest.state;
  const kind = `${KINDS[guest.kind] ?? guest.kind} ${guest.vmid} · ${how}${only}`;
  const made = element(
    'li',
    { class: 'guest', 'data-state': state },
    element('div', { class: 'line' }, element('h3', {}, guest.name), element('span', { class: 'state' }, state)),
    element('p', { class: 'kind' }, kind),
    element('p', { class: 'description' }, guest.description),
    button,
  );
  if (keyOf(guest) === current) made.setAttribute('aria-current', 'true');
  return made;
}

async function open(guest: Guest): Promise<void> {
  say('');
  let gate: ConsoleGate;
  try {
    const src = await link(guest);
    await loadSdk(src);
    gate = document.createElement('console-gate');
    Object.assign(gate, { src, title: `Console of ${guest.name}`, autofocus: true, fetchToken: () => link(guest) });
  } catch {
    return say(`No console link for ${guest.name}.`);
  }
  gate.addEventListener('error', ({ detail }) => say(detail.message));
  gate.addEventListener('connected', () => say(''));
  follow(guest, gate);
  current = keyOf(guest);
  app.classList.add('viewing');
  const bar = controls(guest, gate);
  bar.append(notice);
  viewer.replaceChildren(bar, gate, eventLog(gate));
  draw();
}

/** The gateway's own copy defines <console-gate>; the browser fetches it once. */
async function loadSdk(link: string): Promise<void> {
  await import(new URL('/embed.js', link).href);
}

function controls(guest: Guest, gate: ConsoleGate): HTMLElement {
  const button = (text: string, pressed: () => Promise<unknown>): HTMLElement => {
    const made = element('button', { type: 'button' }, text);
    made.addEventListener('click', () => pressed().catch((error: unknown) => say(error instanceof Error ? error.message : String(error))));
    return made;
  };
  // A terminal knows no Ctrl+Alt+Del, and who only watches sends nothing.
  const keys = guest.protocol === 'vnc' && (guest.rights?.includes('input') ?? true);
  return element(
    'div',
    { class: 'controls' },
    element('strong', { title: guest.name }, guest.name),
    ...(keys ? [button('Ctrl+Alt+Del', () => gate.sendKeys(['Ctrl', 'Alt', 'Delete']))] : []),
    button('Full screen', () => gate.fullscreen()),
    button('New link', async () => gate.connect(await link(guest))),
    button('Own window', () => openApart(guest)),
    button('Close', async () => welcome()),
  );
}

/** A link opens one console, once: the window gets one of its own. It is opened before the link is fetched, or it would be blocked. */
async function openApart(guest: Guest): Promise<void> {
  const apart = window.open('about:blank', '_blank');
  try {
    const url = await link(guest);
    if (!apart) return say('The browser blocked the window.');
    apart.opener = null;
    apart.location.replace(url);
    welcome();
  } catch {
    apart?.close();
    say(`No console link for ${guest.name}.`);
  }
}

async function link(guest: Guest): Promise<string> {
  const answer = (await ask(`open/${keyOf(guest)}`, 'POST')) as { url: string };
  return answer.url;
}

function keyOf(guest: Guest): string {
  return guest.id ?? String(guest.vmid);
}

function welcome(): void {
  current = undefined;
  say('');
  list.before(notice);
  app.classList.remove('viewing');
  viewer.replaceChildren(
    element(
      'div',
      { class: 'welcome' },
      element('h2', {}, 'Choose a machine'),
      element('p', {}, 'Its console opens here, in a frame from the console gateway. The gateway and this panel are two different sites; they share no cookie and no login, only the link.'),
    ),
  );
  draw();
}

async function ask(path: string, method = 'GET'): Promise<unknown> {
  const response = await fetch(path, { method, cache: 'no-store' });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

function say(text: string, from = 'user'): void {
  notice.textContent = text;
  notice.dataset['from'] = from;
}
