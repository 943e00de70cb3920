// A panel around the page for the tests of embedding: its script, under the strict policy of EMBED.md, and what it was told.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browse, TOKEN } from './scene.mjs';
import { startGateway } from './gateway.mjs';
import { example, startSite } from './sites.mjs';

export const CONNECTED = 'main.console[data-state="connected"]';
export const STRICT = (gateway) => example('policy', gateway).replace(/^Content-Security-Policy: /, '').trim();

/** Every event of every console of the panel, in their order. */
const KEEP = `
  globalThis.told = [];
  for (const type of ['ready', 'connecting', 'connected', 'reconnecting', 'waiting', 'disconnected', 'error', 'resize', 'state', 'power', 'latency', 'clipboard', 'focus', 'blur', 'token-needed']) {
    addEventListener(type, (event) => {
      if (event instanceof CustomEvent && event.target.localName === 'console-gate') told.push({ type, ...event.detail });
    }, true);
  }`;

/** A gateway, a panel on another site, and a page that shows it. `body`: HTML of the panel; `script`: a module of it. */
export function embedded(name, { body = '', script = '', options = {}, allowed = true, policy = STRICT, files = {} }, run) {
  test(name, { timeout: 60_000 }, async (t) => {
    const gateway = await startGateway();
    t.after(() => gateway.stop());
    const panel = await startSite(t, 'panel.example', {}, policy(gateway));
    if (allowed) gateway.origins = [panel.origin];
    const text = (part) => (typeof part === 'function' ? part(gateway) : part);
    panel.files = {
      '/index.html': `<!doctype html><title>panel</title><link rel="stylesheet" href="/panel.css"><script src="/keep.js"></script><input id="field" aria-label="field">${text(body)}<script type="module" src="/panel.js"></script>`,
      '/panel.css': 'body { height: 900px }',
      '/keep.js': KEEP,
      '/panel.js': `import * as sdk from '${gateway.origin}/embed.js'; Object.assign(globalThis, sdk);\n${text(script)}`,
      ...files,
    };
    const { page, complaints } = await browse(t, options);
    const errors = [];
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    await page.goto(panel.origin);
    await run({ t, gateway, panel, page, errors });
    assert.deepEqual(complaints, []);
  });
}

export const element = (gateway, more = '') => `<console-gate src="${gateway.origin}/console#${TOKEN}" title="Console of web-01" ${more}></console-gate>`;
export const frameOf = async (page) => (await page.waitForSelector('console-gate iframe')).contentFrame();
export const connected = async (page) => (await frameOf(page)).waitForSelector(CONNECTED, { timeout: 30_000 });

/** What the panel was told of this type. */
export const told = async (page, type) => (await page.evaluate(() => globalThis.told)).filter((event) => event.type === type);

export const hears = (page, type, count = 1) =>
  page.waitForFunction(([wanted, least]) => globalThis.told.filter((event) => event.type === wanted).length >= least, [type, count], { timeout: 30_000 });

/** Calls a method of the console; answers `done`, or the code of the error. */
export const ask = (page, method, ...given) =>
  page.evaluate(([name, args]) => document.querySelector('console-gate')[name](...args).then(() => 'done', (error) => (error instanceof globalThis.ConsoleGateError ? error.code : String(error))), [method, given]);
