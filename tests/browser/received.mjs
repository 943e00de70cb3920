// Everything a page was sent: status lines and headers, bodies, WebSocket handshakes and messages, as Chromium saw them.

export class Received {
  #cdp;
  #parts = [];
  #pending = new Set();
  #counts = { responses: 0, bodies: 0, sockets: 0, messages: 0, bytes: 0 };

  static async of(cdp) {
    const received = new Received();
    received.#cdp = cdp;
    received.#listen();
    await cdp.send('Network.enable', { maxTotalBufferSize: 256 << 20, maxResourceBufferSize: 64 << 20 });
    return received;
  }

  #listen() {
    this.#cdp.on('Network.responseReceivedExtraInfo', ({ headersText, headers, statusCode }) => {
      this.#counts.responses += 1;
      this.#keep(headersText ?? `${statusCode} ${JSON.stringify(headers)}`);
    });
    this.#cdp.on('Network.loadingFinished', ({ requestId }) => this.#body(requestId));
    this.#cdp.on('Network.webSocketHandshakeResponseReceived', ({ response }) => {
      this.#counts.sockets += 1;
      this.#keep(response.headersText ?? `${response.status} ${JSON.stringify(response.headers)}`);
    });
    this.#cdp.on('Network.webSocketFrameReceived', ({ response }) => {
      this.#counts.messages += 1;
      const text = response.opcode === 1;
      this.#keep(Buffer.from(response.payloadData, text ? 'utf8' : 'base64'));
    });
  }

  #body(requestId) {
    const body = this.#cdp.send('Network.getResponseBody', { requestId }).then(
      ({ body, base64Encoded }) => {
        this.#counts.bodies += 1;
        this.#keep(Buffer.from(body, base64Encoded ? 'base64' : 'utf8'));
      },
      // A preflight has no body.
      () => undefined,
    );
    this.#pending.add(body);
    body.finally(() => this.#pending.delete(body));
  }

  #keep(part) {
    const bytes = Buffer.from(part);
    this.#counts.bytes += bytes.length;
    this.#parts.push(bytes, Buffer.from('\n'));
  }

  /** {bytes, counts} of everything until now. */
  async all() {
    await Promise.all(this.#pending);
    return { bytes: Buffer.concat(this.#parts), counts: { ...this.#counts } };
  }
}
