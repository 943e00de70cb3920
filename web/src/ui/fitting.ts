// Makes the tools fit into the bar: with their words, as drawings of which those that need it most keep their words, or with
// the less important ones in "More". Owns what is hidden for want of room; measures, and knows no sizes of screens.

export interface Foldable {
  /** Wanted at all now. */
  readonly wanted: boolean;
  readonly node: HTMLElement;
  readonly button: HTMLElement;
}

/** The tools, the less important first, and those whose drawing says least without words first. */
export interface Order {
  readonly foldable: readonly Foldable[];
  readonly wordy: readonly Foldable[];
}

/** Room that the console's name keeps, in the order of the steps; `first`: where only the first tool has words. */
const NAME = { words: 230, first: 150, drawings: 140, folded: 84 };
/** Around a badge. */
const GAP = 20;

export class Fitting {
  readonly #bar: HTMLElement;
  readonly #name: HTMLElement;
  readonly #more: HTMLElement;
  readonly #order: Order;
  readonly #folded = new Set<Foldable>();

  constructor(bar: HTMLElement, name: HTMLElement, more: HTMLElement, order: Order, changed: () => void) {
    this.#bar = bar;
    this.#name = name;
    this.#more = more;
    this.#order = order;
    new ResizeObserver(() => {
      this.fit();
      changed();
    }).observe(bar);
  }

  get folded(): ReadonlySet<Foldable> {
    return this.#folded;
  }

  fit(): void {
    const tools = this.#order.foldable;
    this.#folded.clear();
    this.#more.hidden = true;
    for (const tool of tools) tool.node.hidden = !tool.wanted;
    for (const tool of this.#order.wordy) tool.button.classList.remove('worded');
    this.#bar.classList.remove('slim');
    if (this.#bar.clientWidth === 0 || this.#room() >= NAME.words) return;
    this.#bar.classList.add('slim');
    if (this.#room() >= NAME.drawings) return this.#giveBack();
    this.#more.hidden = false;
    for (const tool of tools) {
      if (this.#room() >= NAME.folded) return;
      if (!tool.wanted) continue;
      tool.node.hidden = true;
      this.#folded.add(tool);
    }
  }

  /** One after the other, as long as there is room. */
  #giveBack(): void {
    const wordy = this.#order.wordy.filter(({ wanted }) => wanted);
    for (const [at, tool] of wordy.entries()) {
      tool.button.classList.add('worded');
      if (this.#room() >= (at === 0 ? NAME.first : NAME.words)) continue;
      tool.button.classList.remove('worded');
      return;
    }
  }

  /** The name takes what the tools leave, and shares it with the badges, which are never shortened. */
  #room(): number {
    const badges = [...this.#name.querySelectorAll('.badge')].reduce((sum, badge) => sum + badge.getBoundingClientRect().width + (badge.checkVisibility() ? GAP : 0), 0);
    return this.#name.getBoundingClientRect().width - badges;
  }
}
