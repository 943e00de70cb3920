// A VNC screen: noVNC's RFB class over a WebSocket that the page opened itself, because RFB hides the close code.

import RFB from '@novnc/novnc';
import type { Scale } from '../address.ts';
import { KEYS, type KeyName } from '../keys.ts';
import type { OpenScreen, ScreenHooks } from './screen.ts';

export const openVnc: OpenScreen = (target, channel, options, hooks) => {
  const rfb = new RFB(target, channel, { shared: true });
  watching(target, rfb, options.viewOnly);
  // Where the machine draws no pointer of its own there would be none at all.
  rfb.showDotCursor = true;
  rfb.background = 'transparent';
  scale(rfb, options.scale);
  let gone = false;
  rfb.addEventListener('disconnect', () => {
    gone = true;
  });
  const size = watchSize(target, hooks.resized);
  const place = followPlace(target, rfb);
  rfb.addEventListener('connect', () => {
    size.tell();
    hooks.connected();
  });
  for (const failure of ['disconnect', 'securityfailure', 'credentialsrequired', 'serververification']) {
    rfb.addEventListener(failure, () => hooks.failed());
  }
  // Without the right to it nobody hears what the machine copied; noVNC itself never touches the browser's clipboard.
  rfb.addEventListener('clipboard', ({ detail }) => {
    if (options.clipboard) hooks.clipboard?.(detail.text);
  });
  describe(target, options.label, options.describedBy);
  return {
    focus: () => rfb.focus({ preventScroll: true }),
    setScale: (to) => scale(rfb, to),
    setViewOnly: (viewOnly) => watching(target, rfb, viewOnly),
    sendKeys: (keys) => {
      for (const key of keys) press(rfb, key, true);
      for (const key of keys.toReversed()) press(rfb, key, false);
    },
    hold: (key, down) => press(rfb, key, down),
    stroke: ({ keysym, code }, down) => rfb.sendKey(keysym, code, down),
    paste: (text) => {
      if (options.clipboard) rfb.clipboardPasteFrom(text);
    },
    screenshot: () => picture(rfb),
    stay: () => stay(rfb),
    close: () => {
      size.stop();
      place.stop();
      if (!gone) rfb.disconnect();
    },
  };
};

/** Who only watches has the pointer of the page: it moves nothing in the machine. */
function watching(target: HTMLElement, rfb: RFB, viewOnly: boolean): void {
  rfb.viewOnly = viewOnly;
  target.querySelector('canvas:not(.frozen)')?.classList.toggle('watched', viewOnly);
}

/** A key that goes up changes nothing. Of who only watches, the gateway hears it and does not pass it on. */
function stay(rfb: RFB): void {
  const { viewOnly } = rfb;
  rfb.viewOnly = false;
  press(rfb, 'Shift', false);
  rfb.viewOnly = viewOnly;
}

/** noVNC sends nothing while it only watches. */
function press(rfb: RFB, name: KeyName, down: boolean): void {
  const { keysym, code } = KEYS[name];
  rfb.sendKey(keysym, code, down);
}

/** noVNC does not say that the machine's screen has another size; its canvas has that size. */
function watchSize(target: HTMLElement, resized: ScreenHooks['resized']): { tell(): void; stop(): void } {
  const canvas = target.querySelector<HTMLCanvasElement>('canvas:not(.frozen)');
  let known = '';
  const tell = (): void => {
    if (!canvas || known === `${canvas.width} ${canvas.height}`) return;
    known = `${canvas.width} ${canvas.height}`;
    resized?.(canvas.width, canvas.height);
  };
  const observer = new MutationObserver(tell);
  if (canvas) observer.observe(canvas, { attributeFilter: ['width', 'height'] });
  return { tell, stop: () => observer.disconnect() };
}

/** After the place has another size, by when an answer to the wish before may have come. */
const ASK_AGAIN_MS = [300, 1000, 3000];

/**
 * noVNC has one wish for a size under way at a time and forgets the others, and QEMU, which passes a wish on to the guest, never
 * says that it was met: the last size of a window that was drawn larger would be lost. noVNC asks for nothing that is so already.
 */
function followPlace(target: HTMLElement, rfb: RFB): { stop(): void } {
  let timers: ReturnType<typeof setTimeout>[] = [];
  const stop = (): void => timers.forEach(clearTimeout);
  const observer = new ResizeObserver(() => {
    stop();
    timers = ASK_AGAIN_MS.map((ms) => setTimeout(() => (rfb.resizeSession &&= true), ms));
  });
  observer.observe(target);
  return {
    stop: () => {
      observer.disconnect();
      stop();
    },
  };
}

function picture(rfb: RFB): Promise<Blob> {
  return new Promise((done, fail) => {
    rfb.toBlob((blob) => (blob ? done(blob) : fail(new Error('the picture could not be encoded'))));
  });
}

/** `remote` also scales, so that a guest that cannot change its size still fits. */
function scale(rfb: RFB, to: Scale): void {
  rfb.scaleViewport = to !== 'off';
  rfb.resizeSession = to === 'remote';
}

/** noVNC's canvas has no name and cannot be reached with the keyboard. */
function describe(target: HTMLElement, label: string, describedBy: string): void {
  const canvas = target.querySelector('canvas');
  if (!canvas) return;
  canvas.setAttribute('role', 'application');
  canvas.setAttribute('aria-label', label);
  canvas.setAttribute('aria-describedby', describedBy);
}
