// The brand of a panel's customers: name, logo and accent, in light and in dark.

import assert from 'node:assert/strict';
import { accessible, card, drawn, inState, paged, picture } from './scene.mjs';

const LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 30"><rect width="30" height="30" rx="8" fill="#7c3aed"/><path d="M9 21 15 9l6 12" fill="none" stroke="#fff" stroke-width="3"/><path d="M42 20h70M42 11h44" stroke="#7c3aed" stroke-width="4"/></svg>';
const ACME = { name: 'Acme Cloud', logo: 'brand/acme.svg', accent: '#7c3aed', accent_dark: '#c4b5fd' };

const colour = (page, selector, name) => page.evaluate(([found, property]) => getComputedStyle(document.querySelector(found))[property], [selector, name]);

/** A page of the brand whose machine is off. */
async function branded({ gateway, page, open }, brand, query = '') {
  gateway.files['/brand/acme.svg'] = ['image/svg+xml', LOGO];
  gateway.steps = [{ close: [4423, '{"code":"guest_stopped"}'], with: { brand, control: 'c' } }];
  gateway.guest = 'stopped';
  await open(query);
  await inState(page, 'waiting');
}

for (const [theme, accent, ink] of [['light', 'rgb(124, 58, 237)', 'rgb(255, 255, 255)'], ['dark', 'rgb(196, 181, 253)', 'rgb(0, 0, 0)']]) {
  paged(`the brand is worn: ${theme}`, {}, async (t) => {
    const { gateway, page } = t;
    await branded(t, ACME, `?theme=${theme}`);
    assert.equal(await page.title(), 'web-01 · Acme Cloud');
    assert.equal(await page.getByRole('img', { name: 'Acme Cloud' }).count(), 2, 'in the bar and in the card');
    for (const logo of await page.locator('.logo').all()) assert.ok((await logo.evaluate((img) => img.decode().then(() => img.naturalWidth))) > 0);
    assert.equal(await colour(page, '.button.main', 'backgroundColor'), accent);
    assert.equal(await colour(page, '.button.main', 'color'), ink);
    await accessible(page);
    await picture(page, `brand-waiting-${theme}`);
    gateway.steps = [{ with: { brand: ACME } }];
    await page.getByRole('button', { name: 'Check now' }).click();
    gateway.guest = 'running';
    await drawn(page);
    assert.equal(await page.locator('.bar .logo').count(), 1);
    await accessible(page);
    await picture(page, `brand-connected-${theme}`);
  });
}

paged('an accent that is too faint for text is used on surfaces alone', {}, async (t) => {
  const { page } = t;
  await branded(t, { name: 'Pale', logo: null, accent: '#fff3b0', accent_dark: null }, '?theme=light');
  assert.equal(await colour(page, '.button.main', 'backgroundColor'), 'rgb(255, 243, 176)');
  assert.equal(await colour(page, '.button.main', 'color'), 'rgb(0, 0, 0)');
  const pale = await page.evaluate(() => getComputedStyle(document.documentElement).getPropertyValue('--cg-accent-text'));
  assert.equal(pale, '#1a2129', 'the text keeps the page’s own colour');
  assert.equal(await page.locator('.logo').count(), 0);
  await accessible(page);
});

paged('a logo that is not there leaves no hole, and a brand may be missing', {}, async (t) => {
  const { gateway, page, open } = t;
  await branded(t, { ...ACME, logo: 'brand/none.svg' });
  await page.waitForFunction(() => document.querySelectorAll('.logo').length === 0);
  gateway.steps = [{}];
  await page.goto('about:blank');
  await open();
  await drawn(page);
  assert.equal(await page.title(), 'web-01');
  assert.equal(await page.evaluate(() => document.documentElement.getAttribute('style') ?? ''), '');
});

paged('p04_a_brand_cannot_bring_anything_in', {}, async (t) => {
  const { gateway, page } = t;
  const asked = [];
  page.on('request', (request) => asked.push(new URL(request.url()).host));
  await branded(t, { name: '<img src=x>', logo: '//evil.example/a.png', accent: 'url(//evil.example)', accent_dark: '#12' });
  assert.equal(await page.title(), 'web-01 · <img src=x>');
  assert.deepEqual([...new Set(asked)], [new URL(gateway.origin).host]);
  assert.notEqual((await card(page)).title, '');
});
