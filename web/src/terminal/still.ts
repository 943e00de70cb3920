// The terminal as a picture, drawn from its cells: the same whichever way it is drawn on the screen (a WebGL canvas cannot be
// copied after it was shown, and without WebGL there is no canvas).

import type { IBufferCell, ITheme, Terminal } from '@xterm/xterm';
import { NAMES } from './theme.ts';

/** As large as the terminal's box, in device pixels. */
export function draw(terminal: Terminal, box: HTMLElement): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  const ratio = devicePixelRatio;
  canvas.width = Math.max(Math.round(box.clientWidth * ratio), 1);
  canvas.height = Math.max(Math.round(box.clientHeight * ratio), 1);
  const context = canvas.getContext('2d');
  const screen = terminal.element?.querySelector('.xterm-screen')?.getBoundingClientRect();
  if (!context || !screen) return canvas;
  const { background = '#000000' } = terminal.options.theme ?? {};
  const outer = box.getBoundingClientRect();
  context.scale(ratio, ratio);
  context.fillStyle = background;
  context.fillRect(0, 0, outer.width, outer.height);
  context.translate(screen.left - outer.left, screen.top - outer.top);
  context.textBaseline = 'middle';
  drawCells(terminal, context, screen.width / terminal.cols, screen.height / terminal.rows);
  return canvas;
}

function drawCells(terminal: Terminal, context: CanvasRenderingContext2D, width: number, height: number): void {
  const { active } = terminal.buffer;
  const { fontSize, fontFamily } = terminal.options;
  const theme = terminal.options.theme ?? {};
  const reused = active.getNullCell();
  for (let row = 0; row < terminal.rows; row += 1) {
    const line = active.getLine(active.viewportY + row);
    for (let column = 0; column < terminal.cols; column += 1) {
      const cell = line?.getCell(column, reused);
      if (!cell || cell.getWidth() === 0) continue;
      const [ink, ground] = coloursOf(cell, theme);
      const [x, y, wide] = [column * width, row * height, cell.getWidth() * width];
      if (ground !== undefined) {
        context.fillStyle = ground;
        context.fillRect(x, y, wide, height);
      }
      context.fillStyle = ink;
      context.globalAlpha = cell.isDim() ? 0.5 : 1;
      if (cell.isUnderline()) context.fillRect(x, y + height - 2, wide, 1);
      if (!cell.isInvisible() && cell.getChars().trim() !== '') {
        context.font = `${cell.isItalic() ? 'italic ' : ''}${cell.isBold() ? 'bold ' : ''}${fontSize}px ${fontFamily}`;
        context.fillText(cell.getChars(), x, y + height / 2, wide);
      }
      context.globalAlpha = 1;
    }
  }
}

/** Ink, and ground where it is not the terminal's own. */
function coloursOf(cell: IBufferCell, theme: ITheme): [string, string | undefined] {
  const { foreground = '#ffffff', background = '#000000' } = theme;
  const ink = cell.isFgRGB() ? rgb(cell.getFgColor()) : cell.isFgPalette() ? indexed(cell.getFgColor(), theme) : foreground;
  const ground = cell.isBgRGB() ? rgb(cell.getBgColor()) : cell.isBgPalette() ? indexed(cell.getBgColor(), theme) : undefined;
  return cell.isInverse() ? [ground ?? background, ink] : [ink, ground];
}

function rgb(colour: number): string {
  return `#${colour.toString(16).padStart(6, '0')}`;
}

/** The sixteen of the theme, then the cube of 216 and 24 greys that every terminal has. */
function indexed(index: number, theme: ITheme): string {
  const name = NAMES[index];
  if (name !== undefined) return theme[name] ?? '#808080';
  if (index >= 232) return rgb((8 + (index - 232) * 10) * 0x010101);
  const level = (step: number): number => (step === 0 ? 0 : 55 + step * 40);
  const place = index - 16;
  return rgb((level(Math.floor(place / 36)) << 16) | (level(Math.floor(place / 6) % 6) << 8) | level(place % 6));
}
