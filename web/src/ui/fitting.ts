// Makes the tools fit into the bar: first with their words, then as drawings, then the less important ones go into "More".
// Owns what is hidden for want of room; measures, and knows no sizes of screens.

export interface Foldable {
  /** Wanted at all now. */
  readonly wanted: boolean;
  readonly node: HTMLElement;
}

/** Room that the console's name keeps, in the order of the steps. */
const NAME = { words: 230, drawings: 140, folded: 84 };
/** Around a badge. */
const GAP = 20;

export class Fitting {
  readonly #bar: HTMLElement;
  readonly #name: HTMLElement;
  readonly #more: HTMLElement;
  readonly #tools: () => readonly Foldable[];
  readonly #folded = new Set<Foldable>();

  /** `tools`: the less important first. */
  constructor(bar: HTMLElement, name: HTMLElement, more: HTMLElement, tools: () => readonly Foldable[], changed: () => void) {
    this.#bar = bar;
    this.#name = name;
    this.#more = more;
    this.#tools = tools;
    new ResizeObserver(() => {
      this.fit();
      changed();
    }).observe(bar);
  }

  get folded(): ReadonlySet<Foldable> {
    return this.#folded;
  }

  fit(): void {
    const tools = this.#tools();
    this.#folded.clear();
    this.#more.hidden = true;
    for (const tool of tools) tool.node.hidden = !tool.wanted;
    this.#bar.classList.remove('slim');
    if (this.#bar.clientWidth === 0 || this.#room() >= NAME.words) return;
    this.#bar.classList.add('slim');
    if (this.#room() >= NAME.drawings) return;
    this.#more.hidden = false;
    for (const tool of tools) {
      if (this.#room() >= NAME.folded) return;
      if (!tool.wanted) continue;
      tool.node.hidden = true;
      this.#folded.add(tool);
    }
  }

  /** The name takes what the tools leave, and shares it with the badges, which are never shortened. */
  #room(): number {
    const badges = [...this.#name.querySelectorAll('.badge')].reduce((sum, badge) => sum + badge.getBoundingClientRect().width + (badge.checkVisibility() ? GAP : 0), 0);
    return this.#name.getBoundingClientRect().width - badges;
  }
}
