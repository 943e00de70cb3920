// Compares a picture that a real display wrote (PPM) with what the page shows.

/** A binary PPM as {width, height, pixels}, pixels in base64 (red, green, blue). */
export function readPpm(bytes) {
  const head = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(bytes.subarray(0, 64).toString('latin1'));
  if (!head) throw new Error('not a picture of 8 bits a colour');
  const [width, height] = [Number(head[1]), Number(head[2])];
  const pixels = bytes.subarray(head[0].length, head[0].length + width * height * 3);
  return { width, height, pixels: pixels.toString('base64') };
}

/** In the page: {different} once the screen is that picture but for at most `different` pixels, else false. */
export function samePicture({ width, height, pixels, different, screen }) {
  const canvas = document.querySelector(screen);
  if (!canvas || canvas.width !== width || canvas.height !== height) return false;
  globalThis.wantedPicture ??= {};
  const cache = globalThis.wantedPicture;
  if (cache.text !== pixels) {
    cache.text = pixels;
    cache.bytes = Uint8Array.from(atob(pixels), (letter) => letter.charCodeAt(0));
  }
  const wanted = cache.bytes;
  const shown = canvas.getContext('2d').getImageData(0, 0, width, height).data;
  let count = 0;
  for (let i = 0; i < width * height; i += 1) {
    const [a, b] = [i * 4, i * 3];
    if (shown[a] !== wanted[b] || shown[a + 1] !== wanted[b + 1] || shown[a + 2] !== wanted[b + 2]) count += 1;
  }
  return count <= different ? { different: count } : false;
}
