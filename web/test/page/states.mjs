// Every state of the page, in light and dark, on a desk and on a phone: what is read aloud, that nothing is cut off, that axe
// finds nothing, and a picture in artifacts/states/ for people to look at.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fits } from './fits.mjs';
import { startGateway } from './gateway.mjs';
import { accessible, browse, drawn, inState, picture, TOKEN } from './scene.mjs';

const REF = '01JD7Q3F6ZK2V9T8XW4';
const CONTROL = { control: 'control.1', session_seconds: 28_800 };
const MINUTE = 60_000;

const closing = (close, code) => ({ close: [close, JSON.stringify({ code, ref: REF })], with: CONTROL });
const refusing = (status, code, headers) => ({ problem: { status, code, title: 't', detail: 'd', retryable: status === 503, ref: REF }, headers });

async function connected({ page }) {
  await drawn(page);
}

/** Connects, then loses the line. */
async function cut({ gateway, page }) {
  await drawn(page);
  gateway.sockets.at(-1).terminate();
}

/** Waits, and asks at once. */
async function asked({ page }) {
  await inState(page, 'waiting');
  await page.clock.fastForward(5000);
}

async function later(scene, minutes) {
  await drawn(scene.page);
  await scene.page.clock.fastForward(minutes * MINUTE);
}

/** Name, what the gateway does, the state, what is read aloud, how the guest is, what else happens on the way. */
const STATES = [
  ['connecting-session', [{ hold: 'session' }], 'connecting', /^Opening the console$/],
  ['connecting-socket', [{ hold: 'socket' }], 'connecting', /^Opening the console$/],
  ['connecting-screen', [{ silent: true }], 'connecting', /^Opening the console$/],
  ['connected', [{}], 'connected', /^Connected to web-01\.$/, { act: connected }],
  ['view-only', [{ console: { rights: [] } }], 'connected', /^Connected to web-01\.$/, { act: connected }],
  ['connected-terminal', [{ console: { protocol: 'term', kind: 'lxc', title: 'mail-02' }, greeting: 'root@mail-02:~# ' }], 'connected', /^Connected to mail-02\.$/],
  ['reconnecting', [{}, refusing(503, 'overloaded', { 'retry-after': '300' })], 'reconnecting', /^The console service is busy\. Many consoles/, { act: cut }],
  ['reconnecting-now', [{}, { hold: 'session' }], 'connecting', /^The connection was lost\. It reconnects by itself/, { act: cut }],
  ['waiting-stopped', [closing(4423, 'guest_stopped')], 'waiting', /^The machine is powered off\. Start it/, { guest: 'stopped' }],
  ['waiting-locked', [closing(4423, 'guest_locked')], 'waiting', /^The machine is busy with a task\. A backup/, { guest: 'locked' }],
  ['waiting-migrating', [closing(4423, 'guest_locked')], 'waiting', /^The machine is moving to another host\. This can/, { guest: 'migrating', act: asked }],
  ['waiting-startable', [{ ...closing(4423, 'guest_stopped'), console: { rights: ['input', 'power'] } }], 'waiting', /^The machine is powered off\. Start it here/, { guest: 'stopped' }],
  ['waiting-missing', [closing(4423, 'guest_stopped')], 'waiting', /^The machine was not found\. It may be on its way/, { guest: 'missing', act: asked }],
  ['waiting-unreachable', [closing(4423, 'guest_stopped')], 'waiting', /^The machine’s host cannot be reached\. It is tried/, { guest: 'unreachable', act: asked }],
  ['ended-expired', [refusing(401, 'token_expired')], 'ended', /^This console link has expired\. A link is good/],
  ['ended-no-link', [], 'ended', /^This console needs a new link\. A link opens/, { token: '' }],
  ['ended-killed', [closing(4403, 'killed')], 'ended', /^Your provider closed this console\. Ask/],
  ['ended-idle', [closing(4408, 'idle')], 'ended', /^The console was closed because it was idle\. Nobody/],
  ['ended-session-over', [closing(4410, 'session_over')], 'ended', /^The longest session time is reached\. The machine/],
  ['ended-limit', [closing(4429, 'limit_guest')], 'ended', /^Too many consoles of this machine are open\. Close/],
  ['ended-internal', [closing(1011, 'internal')], 'ended', /^Something went wrong on our side\. Open the console again/],
  ['ended-missing', [closing(4404, 'guest_not_found')], 'ended', /^The machine was not found\. It may be on its way/],
  ['ended-no-terminal', [{ ...closing(1000, 'no_terminal'), console: { protocol: 'term' } }], 'ended', /^This machine has no text console\. Open its graphical/],
  ['ended-shell', [{ ...closing(1000, 'guest_ended'), console: { protocol: 'term', kind: 'lxc' } }], 'ended', /^The shell has ended\. It was left/],
  ['ended-closed', [closing(1000, 'closed')], 'ended', /^The console was closed\. The machine keeps/],
  ['overloaded', [closing(1013, 'overloaded'), refusing(503, 'overloaded', { 'retry-after': '300' })], 'reconnecting', /^The console service is busy\. Many/],
  ['idle-warning', [{ with: { ...CONTROL, idle_seconds: 900 } }], 'connected', /^Are you still there\? The console closes in /, { act: (scene) => later(scene, 14.1) }],
  ['session-ends', [{ with: { ...CONTROL, session_seconds: 3600 } }], 'connected', /^This session ends in 5 minutes\. /, { act: (scene) => later(scene, 55.05) }],
];

const DEVICES = {
  desktop: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true },
};

/** The system's colours are changed while a state is shown, which the page follows at once. */
export function everyState(device) {
  test(`every state: ${device}`, { timeout: 290_000 }, async (t) => {
    const { page, complaints } = await browse(t, DEVICES[device]);
    await page.clock.install();
    for (const [name, steps, state, heard, { guest = 'running', act, token = TOKEN } = {}] of STATES) {
      await t.test(name, async (t) => {
        const gateway = await startGateway();
        t.after(() => gateway.stop());
        Object.assign(gateway, { guest, steps: [...steps] });
        await page.goto(`${gateway.origin}/console#${token}`);
        await act?.({ gateway, page });
        await inState(page, state);
        await page.waitForFunction((source) => new RegExp(source).test(document.querySelector('main > [role=status]').textContent), heard.source);
        for (const colorScheme of ['light', 'dark']) {
          await page.emulateMedia({ colorScheme });
          await appeared(page);
          await picture(page, `states/${name}-${colorScheme}-${device}`);
          await fits(page, name);
          await accessible(page);
        }
        await page.goto('about:blank');
        assert.deepEqual(complaints.splice(0), []);
      });
    }
  });
}

/** What comes with an animation is there. */
async function appeared(page) {
  await page.evaluate(() => Promise.all(document.getAnimations().filter(({ effect }) => effect.getTiming().iterations !== Infinity).map(({ finished }) => finished)));
}
