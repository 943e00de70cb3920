// Full screen with the keyboard: where the browser allows it, Esc, Tab and the window keys then reach the machine too.

interface KeyboardLock {
  lock?(): Promise<void>;
  unlock?(): void;
}

export function isFullScreen(): boolean {
  return document.fullscreenElement !== null;
}

export function onFullScreen(changed: () => void): void {
  document.addEventListener('fullscreenchange', () => {
    if (!isFullScreen()) keyboard()?.unlock?.();
    changed();
  });
}

/** Refused by a frame without `allow="fullscreen"` or `keyboard-lock`: then it stays as it is. */
export async function toggleFullScreen(): Promise<void> {
  try {
    if (isFullScreen()) return await document.exitFullscreen();
    await document.documentElement.requestFullscreen({ navigationUI: 'hide' });
    await keyboard()?.lock?.();
  } catch {
    return;
  }
}

function keyboard(): KeyboardLock | undefined {
  return (navigator as { keyboard?: KeyboardLock }).keyboard;
}
