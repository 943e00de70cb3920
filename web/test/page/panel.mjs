// A mock of the demo's panel server: panel.html on an origin of its own, guests.json and POST /open/<vmid>.

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { DIST, TYPES } from './gateway.mjs';

const GUESTS = [
  { vmid: 100, name: 'web-01', kind: 'qemu', protocol: 'vnc', state: 'running', description: 'A moving picture.' },
  { vmid: 101, name: 'db-01', kind: 'qemu', protocol: 'vnc', state: 'stopped', description: 'Is powered off: the console waits for it.' },
  { vmid: 102, name: 'mail-01', kind: 'lxc', protocol: 'term', state: 'running', description: 'A container with a shell.' },
  { vmid: 103, name: 'build-01', kind: 'qemu', protocol: 'vnc', state: 'locked', description: 'A backup is running.' },
];

export async function startPanel(gateway) {
  const panel = { origin: '', refuse: false, stop };
  let count = 0;
  const policy = `default-src 'none'; script-src 'self' ${gateway}; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src ${gateway}`;
  const server = createServer(async (request, response) => {
    const open = /^\/open\/(\d+)$/.exec(request.url);
    if (open && (panel.refuse || request.method !== 'POST')) return response.writeHead(500).end();
    if (open) {
      count += 1;
      return response.end(JSON.stringify({ url: `${gateway}/console#link.${open[1]}.${count}` }));
    }
    if (request.url === '/guests.json') return response.end(JSON.stringify(GUESTS));
    const file = request.url === '/' ? 'panel.html' : request.url.slice(1);
    const body = await readFile(join(DIST, file)).catch(() => undefined);
    response.writeHead(body ? 200 : 404, { 'content-type': TYPES[extname(file)] ?? 'text/plain', 'content-security-policy': policy });
    return response.end(body);
  });
  await new Promise((ready) => server.listen(0, 'localhost', ready));
  panel.origin = `http://localhost:${server.address().port}`;

  function stop() {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  }
  return panel;
}
