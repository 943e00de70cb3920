// Full screen with the keyboard: where the browser allows it, Esc, Tab and the window keys then reach the machine too.

interface KeyboardLock {
  lock?(): Promise<void>;
  unlock?(): void;
}

export function isFullScreen(): boolean {
  return document.fullscreenElement !== null;
}

/** The keyboard goes with what is shown, not with what was asked for: a change can be told after the next was asked. */
export function onFullScreen(changed: () => void): void {
  document.addEventListener('fullscreenchange', () => {
    // Refused in a frame without `allow="keyboard-lock"`: then the browser keeps its keys.
    if (isFullScreen()) keyboard()?.lock?.().catch(() => undefined);
    else keyboard()?.unlock?.();
    changed();
  });
}

/** Refused in a frame without `allow="fullscreen"`: then it stays as it is. */
export async function toggleFullScreen(): Promise<void> {
  try {
    if (isFullScreen()) await document.exitFullscreen();
    else await document.documentElement.requestFullscreen({ navigationUI: 'hide' });
  } catch {
    return;
  }
}

function keyboard(): KeyboardLock | undefined {
  return (navigator as { keyboard?: KeyboardLock }).keyboard;
}
