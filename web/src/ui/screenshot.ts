// A picture of the screen as a file, named after the machine and the time.

import { element } from './element.ts';

export function save(picture: Blob, title: string, now = new Date()): void {
  const url = URL.createObjectURL(picture);
  element('a', { href: url, download: fileName(title, now) }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** `web-01_2026-03-01_14-05-09.png`: no character that a file system minds. */
export function fileName(title: string, now: Date): string {
  const name = title.normalize('NFC').replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^[-.]+|[-.]+$/g, '').slice(0, 80) || 'console';
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = [now.getFullYear(), two(now.getMonth() + 1), two(now.getDate())].join('-');
  return `${name}_${day}_${[now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join('-')}.png`;
}
