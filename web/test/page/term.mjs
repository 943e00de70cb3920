// A terminal as the gateway shows it to the page once it has logged in to Proxmox's termproxy: an empty message, then raw
// output one way and `0:LEN:…`, `1:COLS:ROWS:` and `2` the other. Reads the framing as strictly as the gateway does.

const HEAD = /^(?:0:(\d{1,6}):|1:(\d{1,4}):(\d{1,4}):|2)/;

/** What came: the input, the sizes, how many keep-alives, the largest message, and what the gateway would refuse. */
class Heard {
  sizes = [];
  beats = 0;
  messages = 0;
  largest = 0;
  wrong = [];
  #typed = [];

  get typed() {
    return Buffer.concat(this.#typed);
  }

  take(data, binary) {
    this.messages += 1;
    this.largest = Math.max(this.largest, data.length);
    if (!binary) this.wrong.push('a text message');
    const head = HEAD.exec(data.subarray(0, 16).toString('latin1'));
    if (!head) return this.wrong.push(data.subarray(0, 40).toString('latin1'));
    const rest = data.subarray(head[0].length);
    if (rest.length !== Number(head[1] ?? 0)) this.wrong.push(`${head[0]} with ${rest.length} bytes`);
    if (head[2] !== undefined) return this.sizes.push([Number(head[2]), Number(head[3])]);
    if (head[1] === undefined) return (this.beats += 1);
    if ((rest[0] & 0xc0) === 0x80) this.wrong.push('cut inside a character');
    return this.#typed.push(rest);
  }
}

/** Speaks on a WebSocket of the `ws` package. */
export function serveTerm(socket, greeting = 'web-01:~$ ') {
  const heard = new Heard();
  socket.on('message', (data, binary) => heard.take(data, binary));
  socket.send(Buffer.alloc(0));
  if (greeting !== '') socket.send(Buffer.from(greeting));
  return heard;
}
