// Which tools the bar has, in order: when each is there, and what it opens or does. One set for pictures and terminals.

import type { Scale } from '../address.ts';
import { ClipPanel } from './clippanel.ts';
import type { Bench, Desk } from './desk.ts';
import { HelpPanel } from './helppanel.ts';
import type { IconName } from './icons.ts';
import type { Look } from './look.ts';
import { keyGroups, powerGroups, sizeGroups, terminalGroups } from './menus.ts';
import type { Panel, Content } from './panel.ts';
import type { Panels } from './panels.ts';
import { actionTool, menuTool, panelTool, type Face, type Rule, type Tool } from './tool.ts';
import { TouchKeys } from './touchkeys.ts';
import { TypePanel } from './typepanel.ts';

export interface Acts {
  setScale(scale: Scale): void;
  toggleFullScreen(): void;
  disconnect(): void;
  /** A pointer, not the keyboard, used a tool: the keyboard belongs to the screen again. */
  handBack(): void;
}

export interface ToolSet {
  /** In the order of the bar; the last one ends the console. */
  readonly tools: readonly Tool[];
  /** Those that may go into "More", the less important first. */
  readonly foldable: readonly Tool[];
  /** Those whose drawing says least without words first. */
  readonly wordy: readonly Tool[];
  readonly touch: TouchKeys;
  /** Shows the keyboard of a phone. */
  raise(): void;
}

export function makeTools(bench: Bench, desk: Desk, acts: Acts, panels: Panels, home: (tool: Tool) => void): ToolSet {
  const { tools: words, ui } = bench.language().catalogue;
  const { handBack } = acts;
  const makeWay = (): void => panels.makeWay();
  const over = ({ state }: Look): boolean => state === 'ended';
  const face = (icon: IconName, label: string, hint: string): Face => ({ icon, label, hint });
  /** There while `wanted`, and of use while the console is connected. */
  const live = (wanted: (look: Look) => boolean) => (look: Look): Rule => ({ wanted: wanted(look), off: look.state !== 'connected' });
  const typing = ({ viewOnly }: Look): boolean => !viewOnly;
  const withPanel = (looks: Face, rule: (look: Look) => Rule, content: Content): Tool => {
    const panel: Panel = panels.add(content, () => home(tool));
    const tool: Tool = panelTool(looks, rule, panel, () => panels.toggle(panel));
    return tool;
  };

  const clip = new ClipPanel(words, desk.clipboard, false);
  desk.onClipboard((text) => clip.came(text));
  const touch = new TouchKeys(
    words.keyboardField,
    { type: (text) => desk.typeNow(text), erase: (count) => Array.from({ length: count }, () => desk.send(['Backspace'])) },
    () => bench.refresh(),
  );

  /** A terminal raises the keyboard itself once it has the focus. */
  const raise = (): void => {
    if (!bench.look().picture) return bench.live()?.focus();
    void desk.prepareLayout();
    touch.show();
  };

  const ctrlAltDel = actionTool(face('ctrlAltDel', ui.ctrlAltDel, ui.ctrlAltDelHint), live((look) => typing(look) && look.picture), () => desk.send(['Control', 'Alt', 'Delete']), handBack);
  const keys = menuTool(face('keys', words.keys, words.keysHint), (look) => ({ ...live(typing)(look), pressed: desk.sticky.held.length > 0 }), () => keyGroups(words, ui.ctrlAltDel, desk, bench.look()), handBack, makeWay);
  const keyboard = keyboardTool(face('keyboard', words.keyboard, words.keyboardHint), touch, raise, live((look) => typing(look) && hasTouch()));
  const typeText = withPanel(face('typeText', words.typeText, words.typeTextHint), live((look) => typing(look) && look.picture), new TypePanel(words, bench.language().tag, () => desk.keyboard, () => typed()));
  /** What was typed is to be seen, and what comes after it is typed by hand. */
  const typed = (): void => {
    bench.toast.say(words.typeDone);
    typeText.opens?.close(true);
  };
  const clipboard = withPanel(face('clipboard', words.clipboard, words.clipboardHint), live((look) => typing(look) && look.picture && look.clipboard), clip);
  const paste = withPanel(face('clipboard', words.paste, words.pasteHint), live((look) => typing(look) && !look.picture), new ClipPanel(words, desk.clipboard, true));
  const terminal = menuTool(face('terminal', words.terminal, words.terminalHint), live(({ picture }) => !picture), () => terminalGroups(words, bench.live()?.terminal, desk.reading, bench.toast), handBack, makeWay);
  const screenshot = actionTool(face('screenshot', words.screenshot, words.screenshotHint), live(() => true), () => void desk.screenshot(), handBack);
  const size = menuTool(face('size', words.size, words.sizeHint), (look) => ({ wanted: look.picture, off: over(look) }), () => sizeGroups(words, bench.look(), acts.setScale), handBack, makeWay);
  const fullScreen = actionTool(face('fullScreen', ui.fullScreen, ui.fullScreenHint), (look) => ({ wanted: document.fullscreenEnabled, off: over(look) && !look.fullScreen, pressed: look.fullScreen }), () => acts.toggleFullScreen(), handBack);
  const power = menuTool(face('power', words.power, words.powerHint), (look) => ({ wanted: look.power && look.kind !== 'node', off: over(look) }), () => powerGroups(words, desk, bench.look()), handBack, makeWay);
  const help = withPanel(face('help', words.help, words.helpHint), () => ({ wanted: true }), new HelpPanel(words, () => bench.look()));
  const disconnect = actionTool(face('disconnect', ui.disconnect, ui.disconnectHint), live(() => true), () => acts.disconnect(), handBack);
  return {
    tools: [ctrlAltDel, keys, keyboard, typeText, clipboard, paste, terminal, screenshot, size, fullScreen, power, help, disconnect],
    foldable: [help, screenshot, size, power, fullScreen, clipboard, paste, typeText, terminal, ctrlAltDel, keys, keyboard],
    wordy: [ctrlAltDel, keys, typeText, terminal, clipboard, paste, power, keyboard, fullScreen, size, screenshot, help, disconnect],
    touch,
    raise,
  };
}

function keyboardTool(face: Face, touch: TouchKeys, raise: () => void, rule: (look: Look) => Rule): Tool {
  let wasShown = false;
  const act = (): void => (wasShown ? touch.root.blur() : raise());
  const tool = actionTool(face, (look) => ({ ...rule(look), pressed: touch.shown }), act, () => undefined, true);
  // By the time of the click the button has taken the focus away.
  tool.button.addEventListener('pointerdown', () => (wasShown = touch.shown));
  tool.button.addEventListener('keydown', () => (wasShown = false));
  return tool;
}

function hasTouch(): boolean {
  return matchMedia('(any-pointer: coarse)').matches;
}
