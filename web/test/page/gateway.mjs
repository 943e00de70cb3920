// A mock of the gateway's public face for the page's tests: the files of dist, POST /v1/sessions and the WebSocket.
//
// Each POST takes the next of `steps`, the last one for ever:
//   { problem: {code, status, …} }         refuse with problem details
//   { drop: true }                         cut the connection
//   { close: [code, reason] }              accept, then close the WebSocket at once
//   { console: {…} }                       accept; keys of the console object are changed
//   { hold: 'session' | 'socket' }         never answer that; a held session is answered by release()
//   { greet: text }                        accept; the VNC server's first words
//   { embed: [origin, …] }                 accept; who may embed the session, else all of `origins`
//   { with: {…} }                          accept; keys of the whole answer are changed, such as `control`
//   { console: {protocol: 'term'}, greeting }  accept; a terminal (term.mjs) that prints the greeting
//   { sizes: 'at once' | 'held' }           accept; the machine takes a size it is asked for, or keeps its answer back
//   { extended: true }                     accept; the VNC server asks for keys by their place (QEMU)
//
// While `draining`, POST /v1/sessions is refused and its connection ends.
//
// GET /v1/sessions/{session} answers `guest`, a state or an HTTP status, and notes the question in `asked`.
// POST …/power notes what is asked for in `powered` and answers `power`, 202 or a problem.
// `files` are answered as they are: path to [type, body].

import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import { serveRfb } from './rfb.mjs';
import { serveTerm } from './term.mjs';

export const DIST = fileURLToPath(new URL('../../dist', import.meta.url));
export const TYPES = { '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.html': 'text/html' };

/** The policy that the gateway serves the page with, apart from `frame-ancestors`. */
export const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

export async function startGateway(host = '127.0.0.1') {
  const gateway = { origins: [], calls: [], requests: [], sockets: [], seen: [], asked: [], guest: 'running', powered: [], power: 202, draining: false, files: {}, term: undefined, screens: [], steps: [{}], origin: '', release, stop };
  let count = 0;
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://gateway');
    gateway.requests.push({ url: request.url, referer: request.headers.referer, cookie: request.headers.cookie });
    if (pathname === '/v1/sessions') return session(request, response);
    if (pathname === '/healthz') return response.end('ok\n');
    if (pathname.endsWith('/power')) return power(pathname, request, response);
    if (pathname.startsWith('/v1/sessions/')) return state(pathname, request, response);
    if (gateway.files[pathname]) {
      const [type, body] = gateway.files[pathname];
      return response.writeHead(200, { 'content-type': type }).end(body);
    }
    const file = pathname === '/console' ? 'console.html' : pathname.slice(1);
    const body = await readFile(join(DIST, file)).catch(() => undefined);
    if (file === 'embed.js') return embed(request, response, body);
    const filled = file === 'console.html' ? String(body).replace('{{origins}}', gateway.origins.join(' ')) : body;
    response.writeHead(body ? 200 : 404, {
      'content-type': TYPES[extname(file)] ?? 'text/plain',
      'content-security-policy': POLICY,
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    });
    response.end(filled);
  });

  /** For panels of any origin; asked after at every use, and sent when it is another. */
  function embed(request, response, body) {
    const etag = `"${createHash('sha256').update(body).digest('hex')}"`;
    const known = request.headers['if-none-match'] === etag;
    response.writeHead(known ? 304 : 200, {
      'content-type': TYPES['.js'],
      'access-control-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
      'cache-control': 'no-cache',
      etag,
    });
    response.end(known ? undefined : body);
  }

  function session(request, response) {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    const step = gateway.steps.length > 1 ? gateway.steps.shift() : gateway.steps[0];
    gateway.calls.push({ token, cookie: request.headers.cookie, at: Date.now() });
    if (gateway.draining) {
      response.writeHead(503, { 'content-type': 'application/problem+json', connection: 'close' });
      return response.end(JSON.stringify({ status: 503, code: 'restarting', title: 't', detail: 'd', retryable: true }));
    }
    if (step.drop) return request.socket.destroy();
    if (step.hold === 'session') return void gateway.waiting.push(() => answer(step, response));
    return answer(step, response);
  }

  function answer(step, response) {
    if (step.problem) {
      response.writeHead(step.problem.status, { 'content-type': 'application/problem+json', ...step.headers });
      return response.end(JSON.stringify(step.problem));
    }
    count += 1;
    const ticket = `ticket-${count}`;
    gateway.tickets.set(ticket, step);
    response.writeHead(201, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify({
        session: `s-${count}`,
        websocket: '/v1/ws',
        ticket,
        ticket_seconds: 30,
        resume: `resume-${count}`,
        resume_seconds: step.resume_seconds ?? 120,
        embed: { origins: step.embed ?? gateway.origins },
        console: { kind: 'qemu', protocol: 'vnc', rights: ['input'], title: 'web-01', lang: null, theme: null, ...step.console },
        ...step.with,
      }),
    );
  }
  gateway.tickets = new Map();
  gateway.waiting = [];

  /** Answers whoever is held. */
  function release() {
    for (const go of gateway.waiting.splice(0)) go();
  }

  function state(path, request, response) {
    gateway.asked.push({ path, token: request.headers.authorization, cookie: request.headers.cookie, at: Date.now() });
    const [status, body] = typeof gateway.guest === 'number' ? [gateway.guest, {}] : [200, { state: gateway.guest }];
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  }

  async function power(path, request, response) {
    const parts = [];
    for await (const part of request) parts.push(part);
    gateway.powered.push({ path, token: request.headers.authorization, method: request.method, ...JSON.parse(Buffer.concat(parts)) });
    if (gateway.power === 202) return response.writeHead(202).end();
    response.writeHead(gateway.power.status, { 'content-type': 'application/problem+json' });
    return response.end(JSON.stringify(gateway.power));
  }

  const held = [];
  const ticketOf = (request) => request.headers['sec-websocket-protocol'].split(/, ?/).find((name) => name.startsWith('consolegate.'))?.slice('consolegate.'.length);
  const sockets = new WebSocketServer({
    server,
    path: '/v1/ws',
    handleProtocols: (asked) => asked.has('binary') && 'binary',
    verifyClient: ({ req }, done) => (gateway.tickets.get(ticketOf(req))?.hold === 'socket' ? held.push(req.socket) : done(true)),
  });
  sockets.on('connection', (socket, request) => {
    const ticket = ticketOf(request);
    const step = gateway.tickets.get(ticket);
    gateway.tickets.delete(ticket);
    gateway.sockets.push(socket);
    if (!step) return socket.close(4401, '{"code":"token_rejected","ref":"r"}');
    if (step.close) return socket.close(...step.close);
    if (step.greet !== undefined) return socket.send(Buffer.from(step.greet));
    if (step.silent) return undefined;
    if (step.console?.protocol === 'term') return (gateway.term = serveTerm(socket, step.greeting));
    gateway.screens.push(serveRfb(socket, { seen: gateway.seen, name: step.desktop ?? 'mock', extended: step.extended, sizes: step.sizes }));
    return undefined;
  });

  await new Promise((ready) => server.listen(0, host, ready));
  gateway.origin = `http://${host}:${server.address().port}`;

  function stop() {
    for (const socket of sockets.clients) socket.terminate();
    for (const socket of held) socket.destroy();
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  }
  return gateway;
}
