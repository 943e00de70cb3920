// Nothing may be cut off or stand outside the window, whatever the language, the size and the direction of writing.

import assert from 'node:assert/strict';

export async function fits(page, what) {
  const misfits = await page.evaluate(() => {
    const found = [];
    const root = document.documentElement;
    if (root.scrollWidth > root.clientWidth) found.push(`the page is ${root.scrollWidth - root.clientWidth} px too wide`);
    for (const part of document.querySelectorAll('main.console *:not(canvas, canvas *, svg *)')) {
      if (part.closest('.quiet, .screen') || !part.checkVisibility()) continue;
      const box = part.getBoundingClientRect();
      if (box.width <= 1 || box.height <= 1) continue;
      const name = `${part.tagName}.${part.className?.baseVal ?? part.className} "${part.textContent.trim().slice(0, 30)}"`;
      if (box.left < -0.5 || box.right > innerWidth + 0.5) found.push(`outside: ${name} ${box.left}..${box.right}`);
      if (!part.closest('.overlay') && box.bottom > innerHeight + 0.5) found.push(`below the window: ${name}`);
      // What is shortened on purpose says all of it in its title.
      const shortened = getComputedStyle(part).textOverflow === 'ellipsis' && part.title === part.textContent;
      if (!shortened && getComputedStyle(part).display !== 'inline' && part.scrollWidth > part.clientWidth + 1) found.push(`cut off: ${name}`);
    }
    return found;
  });
  assert.deepEqual(misfits, [], what);
}
