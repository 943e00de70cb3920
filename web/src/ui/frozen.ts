// The last picture, kept in grey behind the card while the page reconnects. Gone as soon as the console has ended.

export function freeze(screen: HTMLElement): void {
  const live = screen.querySelector<HTMLCanvasElement>('canvas:not(.frozen)');
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
