// The page in every language, and written from right to left.

import assert from 'node:assert/strict';
import { fits } from './fits.mjs';
import { accessible, card, drawn, inState, paged, picture } from './scene.mjs';

const OFF = { close: [4423, '{"code":"guest_stopped","ref":"01JD7Q3F6ZK2V9T8XW4"}'], with: { control: 'c' } };
const PHONE = { viewport: { width: 320, height: 640 } };
const MINUTE = 60_000;

/** Browser's language, the page's, the title of a machine that is off, its button, and the question of an idle end. */
const LANGUAGES = [
  ['en-GB', 'en', 'The machine is powered off', 'Check now', 'Are you still there?', /in 1 minute,|in \d\d seconds,/],
  ['de-AT', 'de', 'Die Maschine ist ausgeschaltet', 'Jetzt prüfen', 'Sind Sie noch da?', /in 1 Minute |in \d\d Sekunden /],
  ['fr-CA', 'fr', 'La machine est éteinte', 'Vérifier maintenant', 'Êtes-vous toujours là ?', /dans 1\sminute,|dans \d\d\ssecondes,/],
  ['es-419', 'es', 'La máquina está apagada', 'Comprobar ahora', '¿Sigue ahí?', /en 1 minuto |en \d\d segundos /],
  ['pt-BR', 'pt-BR', 'A máquina está desligada', 'Verificar agora', 'Você ainda está aí?', /em 1 minuto |em \d\d segundos /],
];

for (const [locale, lang, title, button, question, time] of LANGUAGES) {
  paged(`it speaks ${lang}, on the smallest screen`, { locale, ...PHONE }, async ({ gateway, page, open }) => {
    gateway.steps = [OFF, { with: { idle_seconds: 900, session_seconds: 900 } }];
    gateway.guest = 'stopped';
    await page.clock.install();
    await open();
    await inState(page, 'waiting');
    assert.equal((await card(page)).title, title);
    assert.ok(await page.getByRole('button', { name: button, exact: true }).isVisible());
    assert.match(await page.locator('main > [role=status]').textContent(), new RegExp(`^${title}\\.`));
    assert.deepEqual(await page.evaluate(() => [document.documentElement.lang, document.documentElement.dir]), [lang, 'ltr']);
    await fits(page, 'waiting');
    await accessible(page);
    await picture(page, `languages/waiting-${lang}`);
    await page.getByRole('button', { name: button, exact: true }).click();
    gateway.guest = 'running';
    await drawn(page);
    await fits(page, 'connected');
    await page.locator('[role=toolbar] button[aria-haspopup=menu]:visible').first().click();
    const cut = await page.locator('[role=menu]:visible, [role=menu]:visible .item').evaluateAll((parts) => parts.filter((part) => part.scrollWidth > part.clientWidth + 1).map((part) => part.textContent));
    assert.deepEqual(cut, [], 'the keys');
    await picture(page, `languages/keys-${lang}`);
    await page.keyboard.press('Escape');
    await page.clock.fastForward(14.1 * MINUTE);
    const asked = page.getByRole('alertdialog', { name: question });
    await asked.waitFor();
    assert.match(await asked.textContent(), time);
    await fits(page, 'both notices');
    await picture(page, `languages/notices-${lang}`);
    gateway.steps = [{ hold: 'session' }];
    gateway.sockets.at(-1).terminate();
    await inState(page, 'connecting');
    await fits(page, 'reconnecting');
  });
}

paged('a chunk is fetched for the language that is spoken, and for no other', { locale: 'fr-FR' }, async ({ gateway, page, open }) => {
  await open();
  await drawn(page);
  await page.waitForFunction(() => document.documentElement.lang === 'fr');
  const chunks = gateway.requests.map(({ url }) => url).filter((url) => /assets\/(de|fr|es|pt-BR)-/.test(url));
  assert.equal(chunks.length, 1);
  assert.match(chunks[0], /\/fr-/);
});

paged('English is not flashed before the words of the browser’s language', { locale: 'de-DE' }, async ({ page, open }) => {
  await page.addInitScript(() => {
    // A busy machine may take longer for the words than a person is let wait.
    const { setTimeout } = globalThis;
    globalThis.setTimeout = (run, ms, ...rest) => setTimeout(run, ms === 400 ? 10_000 : ms, ...rest);
    globalThis.seen = new Set();
    const look = () => {
      const root = document.querySelector('main.console');
      if (root && !root.classList.contains('wordless')) for (const words of root.querySelectorAll('.state, h2, [role=status]')) seen.add(words.textContent);
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
  await open();
  await drawn(page);
  await page.waitForFunction(() => seen.has('Verbunden'));
  const seen = await page.evaluate(() => [...globalThis.seen]);
  assert.deepEqual(seen.filter((text) => /Connect|Opening|Starting/.test(text)), []);
});

paged('where the words do not come, it is English, and soon', { locale: 'de-DE' }, async ({ gateway, page, open }) => {
  let answer;
  const held = new Promise((done) => (answer = done));
  await page.route('**/assets/de-*.js', async (route) => {
    await held;
    await route.continue();
  });
  gateway.steps = [OFF];
  gateway.guest = 'stopped';
  await open();
  await page.locator('main.console:not(.wordless)').waitFor();
  await page.getByRole('heading', { name: 'The machine is powered off' }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'en');
  answer();
  await page.getByRole('heading', { name: 'Die Maschine ist ausgeschaltet' }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'de');
});

paged('a chunk that cannot be fetched leaves English', { locale: 'de-DE' }, async ({ page, open }) => {
  await page.route('**/assets/de-*.js', (route) => route.abort());
  await open();
  await drawn(page);
  assert.equal(await page.locator('.state').textContent(), 'Connected');
});

paged('the token’s language goes before the address and the browser, and the keyboard stays in the screen', { locale: 'de-DE' }, async ({ gateway, page, open }) => {
  gateway.steps = [{ console: { lang: 'es' } }];
  await open('?lang=fr');
  await drawn(page);
  await page.getByText('Conectada', { exact: true }).waitFor();
  assert.ok(await page.evaluate(() => document.activeElement.matches('.screen canvas')));
});

for (const width of [320, 1280]) {
  paged(`from right to left nothing is cut off: ${width}`, { viewport: { width, height: 640 } }, async ({ gateway, page, open }) => {
    gateway.steps = [OFF, { with: { idle_seconds: 900, session_seconds: 900 } }];
    gateway.guest = 'stopped';
    await page.clock.install();
    await open();
    await inState(page, 'waiting');
    await page.evaluate(() => {
      document.documentElement.dir = 'rtl';
    });
    await fits(page, 'waiting');
    const [first, last] = await Promise.all(['.name', '.tools'].map((part) => page.locator(part).boundingBox()));
    assert.ok(first.x > last.x, 'the name stands at the right');
    await picture(page, `languages/waiting-rtl-${width}`);
    await page.getByRole('button', { name: 'Check now' }).click();
    gateway.guest = 'running';
    await drawn(page);
    await page.clock.fastForward(14.1 * MINUTE);
    await page.getByRole('alertdialog').waitFor();
    await fits(page, 'connected');
    await accessible(page);
    await picture(page, `languages/notices-rtl-${width}`);
  });
}
