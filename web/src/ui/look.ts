// What the bar needs to know to show itself: facts of the page, read by every tool.

import type { Scale } from '../address.ts';
import type { State } from '../connection.ts';

export interface Look {
  readonly title: string;
  /** `qemu`, `lxc` or `node`; empty before a session is granted. */
  readonly kind: string;
  /** `running`, `stopped`, ..; undefined: nobody knows. */
  readonly machine: string | undefined;
  readonly state: State['name'];
  readonly viewOnly: boolean;
  /** The screen is a picture, as far as is known, and not a terminal. */
  readonly picture: boolean;
  readonly clipboard: boolean;
  readonly resize: boolean;
  readonly power: boolean;
  readonly scale: Scale;
  readonly fullScreen: boolean;
}
