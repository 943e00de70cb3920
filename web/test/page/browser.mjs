// The real browser of the page's tests, and what is asked of every page in it.

import { chromium } from 'playwright-core';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ARGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const ARTIFACTS = fileURLToPath(new URL('../../../artifacts', import.meta.url));

export const executablePath =
  process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path));
if (!executablePath) throw new Error('no Chromium found; set CHROMIUM to its path');

export function launch(more = []) {
  return chromium.launch({ executablePath, args: [...ARGS, ...more] });
}

/** A page in a browser of its own with content settings, such as `{ cookies: 2 }`: no cookies and no storage. */
export async function launchWith(t, settings) {
  const profile = mkdtempSync(join(tmpdir(), 'consolegate-profile-'));
  mkdirSync(join(profile, 'Default'));
  const preferences = { profile: { default_content_setting_values: settings, block_third_party_cookies: true, cookie_controls_mode: 1 } };
  writeFileSync(join(profile, 'Default/Preferences'), JSON.stringify(preferences));
  const context = await chromium.launchPersistentContext(profile, { executablePath, args: ARGS });
  t.after(async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  });
  return context.newPage();
}

/** Collects what a page must never do: break its policy, throw, or complain aloud. */
export function watch(page) {
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(`thrown: ${error}`));
  page.on('console', (message) => {
    const text = message.text();
    if (/Content Security Policy|Trusted ?Type|violates/i.test(text)) complaints.push(`policy: ${text}`);
  });
  return complaints;
}

export async function picture(page, name) {
  const path = join(ARTIFACTS, `${name}.png`);
  mkdirSync(dirname(path), { recursive: true });
  await page.screenshot({ path, animations: 'disabled' });
}
