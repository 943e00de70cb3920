// The last picture, kept in grey behind the card while the page reconnects. Gone as soon as the console has ended.

/** `still`: the picture, where the screen has no canvas that could be copied. */
export function freeze(screen: HTMLElement, still?: HTMLCanvasElement): void {
  const live = still ?? screen.querySelector<HTMLCanvasElement>('canvas:not(.frozen)');
  if (!live || live.width === 0 || live.height === 0) return;
  thaw(screen);
  const frozen = document.createElement('canvas');
  frozen.className = 'frozen';
  frozen.setAttribute('aria-hidden', 'true');
  frozen.width = live.width;
  frozen.height = live.height;
  frozen.getContext('2d')?.drawImage(live, 0, 0);
  screen.prepend(frozen);
}

export function thaw(screen: HTMLElement): void {
  screen.querySelector('.frozen')?.remove();
}
