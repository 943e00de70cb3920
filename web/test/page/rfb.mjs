// A VNC server of the least kind: RFB 3.8, security None, one raw picture. It answers the page's noVNC in the tests.

export const WIDTH = 640;
export const HEIGHT = 400;
/** What the picture's upper left corner is made of. */
export const CORNER = [18, 52, 86];

const LENGTHS = { 0: () => 20, 2: (b) => (b.length < 4 ? 4 : 4 + 4 * b.readUInt16BE(2)), 3: () => 10, 4: () => 8, 5: () => 6, 6: (b) => (b.length < 8 ? 8 : 8 + b.readUInt32BE(4)), 251: (b) => (b.length < 8 ? 8 : 8 + 16 * b[6]), 248: (b) => (b.length < 9 ? 9 : 9 + b[8]), 255: () => 12 };

/** A question (Fence, a pseudo-encoding) that is answered in its turn. */
const FENCE = Buffer.from([248, 0, 0, 0, 0x80, 0, 0, 0, 0]);

/**
 * Speaks on a WebSocket of the `ws` package. Collects what the browser typed and clicked in `seen`. What it returns can `ask`
 * whether all has come; until the browser has answered, `due` is not zero.
 */
export function serveRfb(socket, { name = 'mock', seen = [], extended = false, sizes = undefined, onReady = () => undefined } = {}) {
  let buffer = Buffer.alloc(0);
  let step = 0;
  let painted = false;
  const server = { socket, due: 0, ask };
  function ask() {
    server.due += 1;
    socket.send(FENCE);
  }
  const take = (length) => {
    if (buffer.length < length) return undefined;
    const taken = buffer.subarray(0, length);
    buffer = buffer.subarray(length);
    return taken;
  };
  /** What is waited for, by length, and what is said then: version, security type None, result, ServerInit. */
  const steps = [
    [12, Buffer.from([1, 1])],
    [1, Buffer.alloc(4)],
    [1, serverInit(name)],
  ];
  const message = () => {
    const kind = buffer[0];
    if (kind === undefined) return false;
    const length = LENGTHS[kind];
    if (!length) throw new Error(`unexpected client message ${kind}`);
    const body = take(length(buffer));
    if (!body) return false;
    if (kind === 4) seen.push({ key: body.readUInt32BE(4), down: body[1] === 1 });
    if (kind === 255) seen.push({ key: body.readUInt32BE(4), down: body.readUInt16BE(2) === 1, scancode: body.readUInt32BE(8) });
    if (kind === 6) seen.push({ cut: body.toString('latin1', 8) });
    if (kind === 251) seen.push({ size: [body.readUInt16BE(2), body.readUInt16BE(4)] });
    if (kind === 251 && sizes === 'at once') socket.send(passedOn(...seen.at(-1).size));
    if (kind === 5) seen.push({ pointer: [body.readUInt16BE(2), body.readUInt16BE(4)], buttons: body[1] });
    if (kind === 248) server.due -= 1;
    if (kind === 3 && !painted) {
      painted = true;
      if (extended) socket.send(rectangle(0, 0, -258));
      if (sizes) socket.send(extendedSize(0, 0, WIDTH, HEIGHT));
      socket.send(picture());
      onReady();
    }
    return true;
  };
  socket.on('message', (data) => {
    buffer = Buffer.concat([buffer, data]);
    for (; step < steps.length; step += 1) {
      const [length, answer] = steps[step];
      if (!take(length)) return;
      socket.send(answer);
    }
    while (message());
  });
  socket.send(Buffer.from('RFB 003.008\n'));
  return server;
}

function serverInit(name) {
  const text = Buffer.from(name);
  const head = Buffer.alloc(24);
  head.writeUInt16BE(WIDTH, 0);
  head.writeUInt16BE(HEIGHT, 2);
  Buffer.from([32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0]).copy(head, 4);
  head.writeUInt32BE(text.length, 20);
  return Buffer.concat([head, text]);
}

/** A night-blue screen with lines like those of a console. */
function picture() {
  const head = Buffer.alloc(16);
  head.writeUInt16BE(1, 2);
  head.writeUInt16BE(WIDTH, 8);
  head.writeUInt16BE(HEIGHT, 10);
  const pixels = Buffer.alloc(WIDTH * HEIGHT * 4);
  const paint = (x, y, [r, g, b]) => pixels.set([r, g, b, 0], (y * WIDTH + x) * 4);
  for (let y = 0; y < HEIGHT; y += 1) for (let x = 0; x < WIDTH; x += 1) paint(x, y, CORNER);
  const lines = [34, 51, 27, 44, 60, 12, 38, 47, 9];
  lines.forEach((length, line) => {
    for (let letter = 0; letter < length; letter += 1) {
      if ((letter * 7 + line * 3) % 6 === 0) continue;
      const colour = line === 8 ? [110, 231, 183] : letter < 8 ? [125, 196, 255] : [214, 224, 235];
      for (let y = 0; y < 9; y += 1) for (let x = 0; x < 5; x += 1) paint(24 + letter * 8 + x, 24 + line * 20 + y, colour);
    }
  });
  return Buffer.concat([head, pixels]);
}

/** The machine put text into its clipboard. */
export function cutText(text) {
  const head = Buffer.alloc(8);
  head[0] = 3;
  head.writeUInt32BE(text.length, 4);
  return Buffer.concat([head, Buffer.from(text, 'latin1')]);
}

/** The machine's screen has another size (DesktopSize pseudo-encoding). */
export function desktopSize(width, height) {
  return rectangle(width, height, -223);
}

/** QEMU's answer to a wish for a size: the wish is passed on; then the guest follows it. */
export function passedOn(width, height) {
  return Buffer.concat([extendedSize(1, 4, WIDTH, HEIGHT), extendedSize(0, 0, width, height)]);
}

/** The size as ExtendedDesktopSize tells it, with one screen. */
function extendedSize(reason, status, width, height) {
  const screen = Buffer.alloc(20);
  screen[0] = 1;
  screen.writeUInt16BE(width, 12);
  screen.writeUInt16BE(height, 14);
  const update = rectangle(width, height, -308);
  update.writeUInt16BE(reason, 4);
  update.writeUInt16BE(status, 6);
  return Buffer.concat([update, screen]);
}

/** An update that tells something else than a picture. */
function rectangle(width, height, encoding) {
  const update = Buffer.alloc(16);
  update.writeUInt16BE(1, 2);
  update.writeUInt16BE(width, 8);
  update.writeUInt16BE(height, 10);
  update.writeInt32BE(encoding, 12);
  return update;
}
