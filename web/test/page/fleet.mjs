// A public address in front of several gateways, of which one at a time has it: what a balancer does once it has seen that
// one of them drains or has gone.

import { connect, createServer } from 'node:net';

export async function startBalancer(t, first) {
  const balancer = { origin: '', target: first, refused: 0 };
  const sockets = new Set();
  const server = createServer((client) => {
    sockets.add(client);
    client.on('error', () => client.destroy()).on('close', () => sockets.delete(client));
    if (!balancer.target) {
      balancer.refused += 1;
      return client.destroy();
    }
    const upstream = connect(Number(new URL(balancer.target.origin).port), '127.0.0.1');
    upstream.on('error', () => client.destroy()).on('close', () => client.destroy());
    client.on('close', () => upstream.destroy());
    return client.pipe(upstream).pipe(client);
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  balancer.origin = `http://127.0.0.1:${server.address().port}`;
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return balancer;
}
