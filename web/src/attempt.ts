// One attempt at a console: token to session, session to WebSocket, WebSocket to screen. Does I/O, decides nothing.
//
// Every wait has a deadline. Whatever happens, `lost` is called at most once, and never after `close`.

import { openSession, type Opened } from './session.ts';
import { hintOf, isProtocol, loadScreen, type Protocol } from './screen/load.ts';
import type { OpenScreen, Screen } from './screen/screen.ts';
import { fromClose, type Ending } from './reasons.ts';
import type { Stage } from './connection.ts';

const SESSION_MS = 15_000;
const LOAD_MS = 30_000;
const SOCKET_MS = 15_000;
/** The gateway gives up earlier and says why. */
const SCREEN_MS = 45_000;

export interface AttemptHooks {
  stage(stage: Stage): void;
  /** The token is spent; what came for it. */
  opened(opened: Opened): void;
  /** Makes the screen on the channel, which has not spoken yet. */
  screen(open: OpenScreen, channel: WebSocket, opened: Opened, hooks: { connected(): void; failed(): void }): Screen;
  connected(): void;
  /** The screen is still there to be looked at. */
  lost(ending: Ending): void;
}

export interface Attempt {
  close(): void;
}

export function attempt(base: URL, token: string, hooks: AttemptHooks): Attempt {
  const abort = new AbortController();
  let channel: WebSocket | undefined;
  let screen: Screen | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let over = false;

  const close = (): void => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    abort.abort();
    channel?.close(1000);
    screen?.close();
  };
  const lose = (ending: Ending): void => {
    if (over) return;
    hooks.lost(ending);
    close();
  };
  const within = (ms: number, code: 'timed_out' | 'load_failed'): void => {
    clearTimeout(timer);
    timer = setTimeout(() => lose({ code }), ms);
  };

  const run = async (): Promise<void> => {
    hooks.stage('session');
    // Before the token is spent, where it says which screen it is for: a part of the page that does not load then costs no
    // token, and a screen that is not needed is never loaded. The same screen is not fetched twice.
    const hint = hintOf(token);
    if (hint !== undefined && (await load(hint, LOAD_MS)) === undefined) return;

    within(SESSION_MS, 'timed_out');
    const answer = await openSession(new URL('v1/sessions', base), token, abort.signal);
    if (over) return;
    if ('ending' in answer) return lose(answer.ending);
    const { opened } = answer;
    hooks.opened(opened);
    const { protocol } = opened.console;
    if (!isProtocol(protocol)) return lose({ code: 'unsupported_console' });
    const open = await load(protocol, Math.min(LOAD_MS, opened.ticketMs));
    if (open) connect(open, opened);
  };

  /** Nothing where the attempt is over, be it for this. */
  const load = async (protocol: Protocol, ms: number): Promise<OpenScreen | undefined> => {
    within(ms, 'load_failed');
    const open = await loadScreen(protocol);
    if (over) return undefined;
    if (!open) lose({ code: 'load_failed' });
    return open;
  };

  const connect = (open: OpenScreen, opened: Opened): void => {
    hooks.stage('socket');
    within(SOCKET_MS, 'timed_out');
    try {
      channel = new WebSocket(socketUrl(base, opened.path), ['binary', `consolegate.${opened.ticket}`]);
    } catch {
      return lose({ code: 'bad_answer' });
    }
    // Before the screen listens: it would only learn that the channel is closed, not why.
    channel.addEventListener('close', (event) => lose(fromClose(event.code, event.reason)));
    channel.addEventListener('open', () => {
      if (over) return;
      hooks.stage('screen');
      within(SCREEN_MS, 'timed_out');
    });
    screen = hooks.screen(open, channel, opened, {
      connected: () => {
        if (over) return;
        clearTimeout(timer);
        hooks.connected();
      },
      failed: () => lose({ code: 'display_failed' }),
    });
  };

  run().catch(() => lose({ code: 'display_failed' }));
  return { close };
}

function socketUrl(base: URL, path: string): URL {
  const url = new URL(path, base);
  url.protocol = base.protocol === 'https:' ? 'wss:' : 'ws:';
  return url;
}
