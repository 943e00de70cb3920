// Sites around the gateway for the tests of embedding: a panel, and a stranger. Names under .localhost are sites of their own.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

const MANUAL = readFileSync(fileURLToPath(new URL('../../../EMBED.md', import.meta.url)), 'utf8');
const KINDS = { html: 'text/html', js: 'text/javascript', css: 'text/css' };

/** The code block of EMBED.md under `<!-- example: name -->`, with the addresses of this test. */
export function example(name, gateway, token = 'TOKEN') {
  const found = new RegExp(`<!-- example: ${name} -->\\n\`\`\`\\w+\\n([\\s\\S]*?)\`\`\``).exec(MANUAL);
  if (!found) throw new Error(`EMBED.md has no example ${name}`);
  return found[1].replaceAll('https://console.example.com', gateway.origin).replaceAll('TOKEN', token);
}

/** `files`: by path; a function answers a POST. All of them come with the policy. */
export async function startSite(t, name, files = {}, policy) {
  const site = { origin: '', files, posts: 0 };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://site');
    const path = pathname === '/' ? '/index.html' : pathname;
    const file = site.files[path];
    if (typeof file === 'function') site.posts += 1;
    const kind = KINDS[path.split('.').at(-1)] ?? 'text/plain';
    response.writeHead(file === undefined ? 404 : 200, { 'content-type': kind, ...(policy ? { 'content-security-policy': policy } : {}) });
    response.end(typeof file === 'function' ? file(site.posts) : file);
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  site.origin = `http://${name}.localhost:${server.address().port}`;
  return site;
}
