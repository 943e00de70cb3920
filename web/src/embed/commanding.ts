// The commands that are nothing but a message to the page. Owns their arguments and how long an answer may take.

import { ConsoleGateError } from './errors.ts';

export const ANSWER_MS = 10_000;
/** The page types a character in less, whatever pause was asked for. */
const CHARACTER_MS = 100;

export abstract class Commanding extends HTMLElement {
  protected abstract call(type: string, detail?: object, ms?: number): Promise<unknown>;

  async disconnect(): Promise<void> {
    await this.call('disconnect');
  }

  async sendKeys(keys: readonly string[]): Promise<void> {
    await this.call('sendKeys', { keys });
  }

  async typeText(text: string, { layout, delayMs }: { layout?: string; delayMs?: number } = {}): Promise<void> {
    const ms = ANSWER_MS + String(text).length * (CHARACTER_MS + (Number(delayMs) || 0));
    await this.call('typeText', { text, layout, delayMs }, ms);
  }

  async setScale(scale: string): Promise<void> {
    await this.call('setScale', { scale });
  }

  async setViewOnly(viewOnly: boolean): Promise<void> {
    await this.call('setViewOnly', { viewOnly });
  }

  async setTheme(theme: string): Promise<void> {
    await this.call('setTheme', { theme });
  }

  async setLocale(locale: string): Promise<void> {
    await this.call('setLocale', { locale });
  }

  async screenshot(): Promise<Blob> {
    const picture = await this.call('screenshot');
    if (!(picture instanceof Blob)) throw new ConsoleGateError('failed');
    return picture;
  }
}
